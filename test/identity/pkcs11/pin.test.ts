/** Login to a token by its flags (CKF_…): questions, messages, and PINs that are not tried. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IdentityError } from '../../../src/errors.js';
import type { TokenInfo } from '../../../src/identity/pkcs11/messages.js';
import { loginTo, pinOf, rememberRefusal } from '../../../src/identity/pkcs11/pin.js';

const [LOGIN_REQUIRED, PIN_PAD] = [0x4, 0x100];
const [COUNT_LOW, FINAL_TRY, LOCKED, TO_BE_CHANGED] = [0x10000, 0x20000, 0x40000, 0x80000];

function token(flags: number, label = 'host'): TokenInfo {
  return {
    ...{
      slot: 1,
      slotDescription: '',
      slotManufacturer: '',
      label,
      manufacturer: '',
      model: '',
      serial: '1',
    },
    ...{ flags, mechanisms: [] },
  };
}

async function login(flags: number, pin: string | undefined = '1234') {
  const said: string[] = [];
  const asked: string[] = [];
  const result = await loginTo(token(flags), {
    pin: async (subject) => {
      asked.push(subject);
      return pin;
    },
    notify: (message) => said.push(message),
  });
  return { result, said, asked };
}

describe('a login', () => {
  it('is skipped if the token needs none', async () => {
    expect(await login(0)).toEqual({ result: undefined, said: [], asked: [] });
  });

  it('asks for the PIN of the token by its label', async () => {
    expect(await login(LOGIN_REQUIRED)).toEqual({
      result: { pin: '1234' },
      said: [],
      asked: ['token "host"'],
    });
  });

  it('uses the PIN pad of a reader, with a notice', async () => {
    expect(await login(LOGIN_REQUIRED | PIN_PAD)).toEqual({
      result: {},
      said: ['enter the PIN of token "host" at its reader'],
      asked: [],
    });
  });

  it.each([
    [COUNT_LOW, /wrong PIN was given to token "host" before \(CKF_USER_PIN_COUNT_LOW\)/],
    [COUNT_LOW | FINAL_TRY, /one more wrong PIN locks token "host" \(CKF_USER_PIN_FINAL_TRY\)/],
    [TO_BE_CHANGED, /must be changed \(CKF_USER_PIN_TO_BE_CHANGED\)/],
  ])('names the state of the PIN: flags %#', async (flags, message) => {
    const { said } = await login(LOGIN_REQUIRED | flags);
    expect(said).toEqual([expect.stringMatching(message)]);
    // Each signature logs in: a person is told once.
    expect((await login(LOGIN_REQUIRED | flags)).said).toEqual([]);
  });

  it('is not tried with a locked PIN', async () => {
    await expect(login(LOGIN_REQUIRED | LOCKED)).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: expect.stringMatching(/locked \(CKF_USER_PIN_LOCKED\)/),
    });
  });

  it('is refused without a PIN', async () => {
    const options = { pin: async () => undefined, notify: () => undefined };
    await expect(loginTo(token(LOGIN_REQUIRED), options)).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      hint: expect.stringMatching(/--pkcs11-pin-file/),
    });
  });

  it('leaves the last try to a person', async () => {
    const last = token(LOGIN_REQUIRED | COUNT_LOW | FINAL_TRY, 'last');
    const options = { pin: async () => '1234', notify: () => undefined };
    await expect(loginTo(last, { ...options, isPinGiven: true })).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: expect.stringMatching(/"last" grants one more try .*which is left to a person/),
      hint: expect.stringMatching(/by hand once/),
    });
    expect(await loginTo(last, options)).toEqual({ pin: '1234' });
    const low = token(LOGIN_REQUIRED | COUNT_LOW, 'last');
    expect(await loginTo(low, { ...options, isPinGiven: true })).toEqual({ pin: '1234' });
  });

  it('is not tried with an empty PIN, which the token would count as a wrong one', async () => {
    await expect(login(LOGIN_REQUIRED, '')).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: 'token "host" requires a PIN, and an empty one is given',
    });
  });

  it('does not repeat a refused PIN; repeats one that failed for another reason', async () => {
    const other = new IdentityError('ERR_PKCS11_TOKEN', 'removed');
    rememberRefusal(token(LOGIN_REQUIRED), { pin: '5678' }, other);
    expect((await login(LOGIN_REQUIRED, '5678')).result).toEqual({ pin: '5678' });
    rememberRefusal(token(LOGIN_REQUIRED), { pin: '5678' }, new IdentityError('ERR_PKCS11_PIN', 'refused'));
    await expect(login(LOGIN_REQUIRED, '5678')).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: expect.not.stringContaining('5678'),
    });
    // Another token may have the same PIN, and this one may have another PIN.
    const options = { pin: async () => '5678', notify: () => undefined };
    expect(await loginTo(token(LOGIN_REQUIRED, 'other'), options)).toEqual({ pin: '5678' });
    expect((await login(LOGIN_REQUIRED, '1234')).result).toEqual({ pin: '1234' });
  });
});

describe('the PIN of a URI', () => {
  it.each(['', 'file:', 'file://', 'file://localhost'])('is in a file: pin-source=%s/…', async (prefix) => {
    const folder = mkdtempSync(join(tmpdir(), 'pin-'));
    writeFileSync(join(folder, 'p in'), '1234\r\nsecond line\n');
    expect(await pinOf({ pinSource: `${prefix}${join(folder, 'p in')}` })).toBe('1234');
    rmSync(folder, { recursive: true });
  });

  it('is not the output of a program', async () => {
    await expect(pinOf({ pinSource: '|cat /etc/pin' })).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: expect.stringMatching(/programs are not started/),
    });
  });

  it('is the value, or none', async () => {
    expect(await pinOf({ pinValue: '1234' })).toBe('1234');
    expect(await pinOf({})).toBeUndefined();
  });
});
