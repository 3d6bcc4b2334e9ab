/** Canaries: key text as the value of any option of the emulator never appears in an error. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { AuthorityOptions, EmulatorOptions, IssueOptions } from '../../src/emulator.js';
import { createAuthority, createEmulator, startEmulator } from '../../src/emulator.js';
import { text } from '../fixtures.js';

const KEY = text('rsa-2048.key.pem');
const BODY = KEY.trim().split('\n').slice(1, -1);
const LINES = BODY.slice(0, 2).join('');
/** Forms of key text. */
const FORMS: ReadonlyArray<readonly [name: string, value: unknown]> = [
  ['PEM', KEY],
  ['PEM bytes', Buffer.from(KEY)],
  ['PEM in a list', [KEY]],
  ['PEM in an object', { privateKey: KEY }],
  ['PEM as a certificate', { certificate: KEY }],
  ['PEM with the label of a certificate', KEY.replaceAll('PRIVATE KEY', 'CERTIFICATE')],
  ['base64', BODY.join('')],
  ['two lines of base64', LINES],
  ['DER', Buffer.from(BODY.join(''), 'base64')],
  ['a function', Object.assign(() => undefined, { toString: () => KEY })],
];
const CANARIES = [
  ...BODY.map((line) => line.slice(0, 24)),
  Buffer.from(BODY.join(''), 'base64').toString('hex').slice(60, 100),
  Buffer.from(KEY).toString('hex').slice(60, 100),
];

/** The ways to print an error. */
async function shown(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('what was thrown is no Error');
  const details = inspect(error, { depth: 10, showHidden: true, maxStringLength: null });
  return [String(error), error.message, error.stack, details, JSON.stringify(error)].join('\n');
}

const EMULATOR = [
  ...(['host', 'port', 'region', 'accountId', 'certificateAuthority', 'roleName'] as const),
  ...(['maxDurationSeconds', 'acceptRoleSessionName', 'now', 'log'] as const),
  ...(['faults', 'faultSeed', 'tls'] as const),
] satisfies Array<keyof EmulatorOptions>;
const AUTHORITY = ['commonName', 'keyType', 'days', 'now'] satisfies Array<keyof AuthorityOptions>;
const ISSUE = ['commonName', 'keyType', 'days', 'notBefore', 'hosts'] satisfies Array<keyof IssueOptions>;

describe.each(FORMS)('%s', (_form, value) => {
  const isAllowed = (name: string) => typeof value === 'function' && (name === 'now' || name === 'log');

  it.each(EMULATOR.filter((name) => !isAllowed(name)))('as %s of the emulator', async (name) => {
    for (const create of [createEmulator, startEmulator]) {
      const output = await shown(create({ [name]: value }));
      expect(CANARIES.filter((canary) => output.includes(canary))).toEqual([]);
      expect(output).not.toContain('nothing was refused');
    }
  });

  it.each(AUTHORITY.filter((name) => !isAllowed(name)))('as %s of an authority', async (name) => {
    const output = await shown(createAuthority({ [name]: value }));
    expect(CANARIES.filter((canary) => output.includes(canary))).toEqual([]);
  });

  it.each(ISSUE)('as %s of a certificate', async (name) => {
    const authority = await createAuthority();
    const output = await shown(authority.issue({ commonName: 'host-1', [name]: value }));
    expect(CANARIES.filter((canary) => output.includes(canary))).toEqual([]);
  });
});

it.each([KEY, LINES])('as the name of an option', async (name) => {
  const output = await shown(createEmulator({ [name]: true }));
  expect(CANARIES.filter((canary) => output.includes(canary))).toEqual([]);
  expect(output).toContain('unknown option');
});
