/**
 * Certificate and key as text in arguments, environment and standard input, in the forms in which shells,
 * JSON, Kubernetes and env files hand them over. --debug names each repaired form.
 */
import { describe, expect, it } from 'vitest';
import { startFakeService, lastingSuccess as success } from '../fake-service.js';
import { text } from '../fixtures.js';
import { credentialProcess, runMain } from '../program.js';

const CERTIFICATE = text('rsa-2048.pem');
const KEY = text('rsa-2048.key.pem');
const NO_IDENTITY = { certificate: undefined, 'private-key': undefined };

const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
const escaped = (pem: string): string => pem.replaceAll('\n', '\\n');

const [QUOTED, IN_BASE64, ESCAPED] = [
  'text in quotes',
  'base64 around PEM',
  'line ends written as \\n',
] as const;

const FORMS: ReadonlyArray<
  readonly [form: string, write: (pem: string) => string, named: readonly string[]]
> = [
  ['line ends written as \\n', escaped, [ESCAPED]],
  ['base64 of the whole PEM', base64, [IN_BASE64]],
  ['base64 in lines', (pem) => base64(pem).replace(/.{76}/g, '$&\n'), [IN_BASE64]],
  ['double quotes', (pem) => `"${pem}"`, [QUOTED]],
  ['quotes around base64', (pem) => `"${base64(pem)}"`, [QUOTED, IN_BASE64]],
  ['single quotes around \\n', (pem) => `'${escaped(pem)}'`, [QUOTED, ESCAPED]],
];

type Way = (certificate: string, key: string) => { flags: object; env?: object; input?: string };

const WAYS: ReadonlyArray<readonly [way: string, ask: Way]> = [
  ['the arguments', (certificate, key) => ({ flags: { certificate, 'private-key': key } })],
  [
    'the environment',
    (certificate, key) => ({
      flags: NO_IDENTITY,
      env: { ROLESANYWHERE_CERTIFICATE: certificate, ROLESANYWHERE_PRIVATE_KEY: key },
    }),
  ],
  ['standard input', (certificate, key) => ({ flags: { certificate, 'private-key': '-' }, input: key })],
];

describe.each(WAYS)('in %s', (_way, ask) => {
  it.each(FORMS)('%s', async (_form, write, named) => {
    const { endpoint, requests } = await startFakeService([success]);
    const { flags, env = {}, input = '' } = ask(write(CERTIFICATE), write(KEY));
    const args = [...credentialProcess({ ...flags, endpoint }), '--debug'];
    const { status, stderr } = await runMain(args, { env: { ...env }, input });
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    expect(requests).toHaveLength(1);
    const undone = [...stderr.matchAll(/: read as (.*)$/gm)].map(([, form]) => form);
    expect(undone.sort()).toEqual([...named, ...named].sort());
    // The key itself is not shown.
    for (const line of KEY.split('\n').slice(9, -2)) expect(stderr).not.toContain(line);
  });
});
