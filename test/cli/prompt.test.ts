/** The question for a passphrase, in a pseudo-terminal that Python opens. */
import { describe, expect, it } from 'vitest';
import { ARNS, RSA, startFakeService, lastingSuccess as success } from '../fake-service.js';
import { manifest, path } from '../fixtures.js';
import { report, runProgram } from '../program.js';
import { hasPython, inTerminal } from './terminal.js';

const KEY = path('ec-p256.scrypt.pem');
const SIGN = ['sign-string', '--format', 'text', '--private-key', KEY];
const QUESTION = `Passphrase of private key ${KEY}: `;
const AGAIN = `Wrong passphrase. ${QUESTION}`;

describe.skipIf(!hasPython)('at a terminal (left out without python3)', () => {
  it.each<[string, string[]]>([
    ['in one piece', [`${manifest.passphrase}\r`]],
    ['key by key', [...manifest.passphrase, '\r']],
    ['with a mistake taken back', [`${manifest.passphrase}x\u007f\r`]],
    ['after a line that is taken back', [`wrong\u0015${manifest.passphrase}\n`]],
    ['with a letter of two bytes taken back', [`${manifest.passphrase}\u00c3`, '\u00a4', '\b\r']],
    ['with an arrow key', [manifest.passphrase, '\u001b[D', '\r']],
  ])('asks for a passphrase without an echo: typed %s', async (_name, keys) => {
    const { shown, status, echoed, echoesAtEnd } = await inTerminal(SIGN, [[QUESTION, keys]]);
    expect(shown).toMatch(/^Passphrase of private key \S+: \r\n30[0-9a-f]+$/);
    expect({ status, echoed, echoesAtEnd }).toEqual({ status: 0, echoed: [false], echoesAtEnd: true });
  });

  it('asks again after a wrong passphrase', async () => {
    const { shown, status } = await inTerminal(SIGN, [
      [QUESTION, ['canary-1\r']],
      [AGAIN, ['canary-2\r']],
      [AGAIN, [`${manifest.passphrase}\r`]],
    ]);
    expect(shown).toMatch(/: \r\nWrong passphrase\. .*: \r\nWrong passphrase\. .*: \r\n30[0-9a-f]+$/);
    expect(shown).not.toContain('canary');
    expect(status).toBe(0);
  });

  it('gives up after three answers', async () => {
    const steps = [QUESTION, AGAIN, AGAIN].map((wait): [string, string[]] => [wait, ['canary\r']]);
    const { shown, status, echoesAtEnd } = await inTerminal(SIGN, steps);
    expect(shown).toContain('the passphrase is wrong');
    expect(shown).not.toContain('canary');
    expect({ status, echoesAtEnd }).toEqual({ status: 3, echoesAtEnd: true });
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('ends at %s and restores the terminal', async (_name, key) => {
    const { shown, status, echoed, echoesAtEnd } = await inTerminal(SIGN, [[QUESTION, ['canary', key]]]);
    expect(shown).toContain(
      'rolesanywhere: missing passphrase: the prompt was interrupted (ERR_OPTION_MISSING)',
    );
    expect(shown).not.toContain('canary');
    expect({ status, echoed, echoesAtEnd }).toEqual({ status: 2, echoed: [false], echoesAtEnd: true });
  });

  it('credential-process asks too, and prints its usual output', async () => {
    const { endpoint, requests } = await startFakeService([success]);
    const flags = {
      'trust-anchor-arn': ARNS.trustAnchorArn,
      'profile-arn': ARNS.profileArn,
      'role-arn': ARNS.roleArn,
      certificate: RSA.certificate,
      'private-key': path('rsa-2048.scrypt.pem'),
      endpoint,
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    const { shown, status } = await inTerminal(
      ['credential-process', ...args],
      [['Passphrase of', [`${manifest.passphrase}\r`]]],
    );
    expect(shown).toMatch(/: \r\n\{"Version":1,.*\}\r\n$/);
    expect(status).toBe(0);
    expect(requests).toHaveLength(1);
  });

  it('doctor asks once, and Ctrl-C ends the report', async () => {
    const args = ['doctor', '--offline', '--certificate', path('ec-p256.pem'), '--private-key', KEY];
    const whole = await inTerminal(args, [[QUESTION, [`${manifest.passphrase}\r`]]]);
    expect(whole.shown.split('Passphrase of')).toHaveLength(2);
    expect([whole.shown.includes('test signature: verifies'), whole.status]).toEqual([true, 0]);
    const ended = await inTerminal(args, [[QUESTION, ['canary', '\u0003']]]);
    expect(ended.shown).toMatch(/: \r\nrolesanywhere: missing passphrase: .* interrupted/);
    expect([ended.shown.includes('Certificate and key'), ended.status]).toEqual([false, 2]);
  });

  it('does not ask if a passphrase is given', async () => {
    const args = [...SIGN, '--pkcs8-password', 'canary'];
    const { shown, status } = await inTerminal(args, []);
    expect(shown).not.toContain('Passphrase of');
    expect(status).toBe(3);
  });
});

describe('without a terminal', () => {
  it('fails immediately', async () => {
    expect(await runProgram(SIGN)).toEqual({
      status: 3,
      stdout: '',
      stderr: report(
        `private key ${KEY} is encrypted and no passphrase was given`,
        'ERR_KEY_PASSPHRASE',
        'give it in --pkcs8-password-file or ROLESANYWHERE_PKCS8_PASSWORD, that of a PKCS#12 file in ' +
          '--pkcs12-password-file or ROLESANYWHERE_PKCS12_PASSWORD',
      ),
    });
  });
});
