/** The fuzz targets: the readers of the library, the program and the emulator, with their first inputs. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, openAuthority } from '../../src/authority/authority.js';
import { createRequest } from '../../src/authority/request.js';
import { parseAwsConfig } from '../../src/cli/options/aws-config.js';
import { parseCertSelector, parseCertSelectorJson } from '../../src/cli/options/cert-selector.js';
import { loadJsonConfig } from '../../src/cli/options/config-file.js';
import { ALL_SESSION_FLAGS } from '../../src/cli/options/session-flags.js';
import { editProfile } from '../../src/cli/update/profile-text.js';
import { createEmulator } from '../../src/emulator/service.js';
import type { EmulatorRequest } from '../../src/emulator/wire/handler.js';
import { FileFault } from '../../src/files/file-fault.js';
import { parseCertificate } from '../../src/identity/certificate.js';
import { loadCertificates, loadIdentity, loadSigner, loadTrustBundle } from '../../src/identity/load.js';
import { parsePkcs11Uri } from '../../src/identity/pkcs11/uri.js';
import { parseTpmKeyFile } from '../../src/identity/tpm/key-file.js';
import { createSession } from '../../src/session/create-session.js';
import { parseSessionResponse } from '../../src/session/response.js';
import { parseStsResponse } from '../../src/session/sts/response.js';
import { makeWorld, TOKEN } from '../cli/serve/served.js';
import { makeCertificate, NOW } from '../emulator/pki/certificates.js';
import { makeAccount, QUERY } from '../emulator/sessions/account.js';
import { signHmac, signX509 } from '../emulator/sessions/sign.js';
import { path as fixturePath, manifest } from '../fixtures.js';
import type { Dice } from './dice.js';
import type { Others } from './mutate.js';
import { mutateBytes, mutateDer, mutateJson, mutateLines, mutatePem } from './mutate.js';

type Mutate = (input: Buffer, dice: Dice, others: Others) => Buffer;

/** The limits for one input: CPU time of the whole process, and its memory. */
export interface Limits {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

export interface Target {
  readonly name: string;
  readonly fixtures: () => readonly Buffer[];
  readonly mutate: Mutate;
  readonly limits?: Limits;
  /**
   * Made once in each process.
   *
   * @returns the run of one input. Its result names the outcome, such as `ok` or `404`; it throws the errors
   * of the code under test, and a {@link Violation} if the code breaks a rule without an error.
   */
  readonly prepare: () => Promise<Run> | Run;
}

type Run = (input: Buffer, dice: Dice) => Promise<string> | string;

/** The code under test has returned a wrong result. */
export class Violation extends Error {}

/** With a key derivation within the budget for one file. */
const DERIVING: Limits = { cpuMs: 5000, memoryMb: 400 };

const CERTS = readdirSync(fixturePath('.'));

function files(pattern: RegExp): Buffer[] {
  return CERTS.filter((name) => pattern.test(name)).map((name) => readFileSync(fixturePath(name)));
}

function derOf(pem: Buffer): Buffer[] {
  const blocks = pem.toString('latin1').matchAll(/-----BEGIN [^-]*-----\n([A-Za-z0-9+/=\n]*)-----END/g);
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
}

/** Right half of the time. */
function passphrase(dice: Dice): string | undefined {
  return dice.pick([manifest.passphrase, manifest.passphrase, 'wrong', '', undefined]);
}

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

function fileWith(input: Buffer): string {
  const path = join(folder, 'input');
  writeFileSync(path, input);
  return path;
}

const PROFILE = {
  values: { aws_access_key_id: 'A', aws_secret_access_key: 'B' },
  remove: ['credential_process'],
};

function edit(input: Buffer): string {
  const text = input.toString('latin1');
  let once: string;
  try {
    once = editProfile(text, 'default', PROFILE).text;
  } catch (error) {
    // Internal: the writer converts it to an error of this package.
    if (error instanceof FileFault) return error.code;
    throw error;
  }
  if (editProfile(once, 'default', PROFILE).text !== once)
    throw new Violation('the second edit changes the file again');
  if (input.length < 20_000) checkKept(text, once);
  return 'ok';
}

/** Every line that is not about the edited keys is still there, in its place. A byte order mark is no line. */
function checkKept(before: string, after: string): void {
  const isOurs = /aws_access_key_id|aws_secret_access_key|credential_process|\[/i;
  const kept = (text: string): string[] =>
    text
      .replace(/^\xEF\xBB\xBF/, '')
      .split(/\r\n|\r|\n/)
      .filter((line) => line.trim() !== '' && !isOurs.test(line) && !/^\s/.test(line));
  const [old, now] = [kept(before), kept(after)];
  if (old.join('\n') !== now.join('\n'))
    throw new Violation('the edit loses or moves a line that is not its own');
}

const INI = [
  '[default]\naws_access_key_id = X\naws_secret_access_key = Y\n\n[profile other]\nregion=a\ns3 =\n  a = b\n',
  '# note\n[legacy]\n  [other]\naws_access_key_id=Z\r\n[default]\r\ncredential_process = /bin/x --y "z"\r\n',
  '[profile host]\nrolesanywhere_role_arn = arn:aws:iam::1:role/x\nrolesanywhere_certificate = a.pem ; b\n',
  '\uFEFF[default]\n; c\nkey = value # d\n[default]\nkey2 = v\n',
].map((text) => Buffer.from(text));

const CONFIGS = [
  {
    'trust-anchor-arn': 'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/a',
    'role-arn': 'arn:aws:iam::123456789012:role/x',
    certificate: 'host.pem',
    'session-duration': 900,
    'no-verify-ssl': true,
  },
  { certificate: '~/a.pem', intermediates: '-', endpoint: 'https://localhost' },
].map((value) => Buffer.from(JSON.stringify(value)));

const KNOWN = { flags: ALL_SESSION_FLAGS, otherFlags: undefined };

const SEEDS = [
  { trustAnchors: [{ name: 'a', certificates: readFileSync(fixturePath('root-ec.pem'), 'utf8') }] },
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'examples', 'emulator-seed.json'), 'utf8')),
].map((value) => Buffer.from(JSON.stringify(value)));

const CREDENTIALS = {
  credentialSet: [
    {
      assumedRoleUser: { arn: 'arn:aws:sts::123456789012:assumed-role/x/y', assumedRoleId: 'A:y' },
      credentials: {
        accessKeyId: 'ASIAEXAMPLE',
        secretAccessKey: 'secret',
        sessionToken: 'token',
        expiration: '2026-06-01T13:00:00Z',
      },
      packedPolicySize: 5,
      roleArn: 'arn:aws:iam::123456789012:role/x',
      sourceIdentity: 'CN=y',
    },
  ],
  subjectArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:subject/z',
};

/** Answers as they go over the wire. */
const ANSWERS = [
  httpAnswer('201 Created', 'Content-Type: application/json', JSON.stringify(CREDENTIALS)),
  httpAnswer(
    '403 Forbidden',
    'x-amzn-ErrorType: AccessDeniedException',
    '{"message":"Unable to assume role"}',
  ),
  httpAnswer('400 Bad Request', 'Date: Mon, 01 Jun 2026 12:00:00 GMT', '{"__type":"a#B:c","Message":"d"}'),
  Buffer.from('HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n'),
];

function httpAnswer(status: string, header: string, body: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

/** Half of them get the length that the body has after the mutation, so that the body is read. */
function mutateAnswer(input: Buffer, dice: Dice, others: Others): Buffer {
  const text = input.toString('latin1');
  const end = text.indexOf('\r\n\r\n') + 4;
  if (dice.chance(0.4)) return mutateLines(input, dice, others);
  const body = mutateJson(input.subarray(end), dice, others);
  const head = text.slice(0, end).replace(/Content-Length: \d+/, `Content-Length: ${body.length}`);
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** @returns a run that creates a session at a server that responds with the input to every request */
async function answerOverHttp(): Promise<Run> {
  let answer: Uint8Array = Buffer.alloc(0);
  const server: Server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return async (input) => {
    answer = input;
    await createSession({
      certificate: fixturePath('ec-p256.pem'),
      privateKey: fixturePath('ec-p256.key.pem'),
      trustAnchorArn:
        'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/11111111-1111-1111-1111-111111111111',
      profileArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/11111111-1111-1111-1111-111111111111',
      roleArn: 'arn:aws:iam::123456789012:role/x',
      endpoint: `http://127.0.0.1:${port}`,
      // Shorter than the pause before a second attempt.
      timeoutMs: 80,
      env: {},
    });
    return 'ok';
  };
}

const ROOT = makeCertificate({ commonName: 'root', isAuthority: true });
const LEAF = makeCertificate({ commonName: 'leaf', issuer: ROOT });

/** A draft of a request as JSON, so that the members to sign can be mutated one by one. */
const DRAFTS = [
  { query: QUERY, body: '{"durationSeconds":900}', headers: {} },
  { query: '', body: '{"durationSeconds":900,"roleSessionName":"abc"}', headers: { 'x-a': 'b  c' } },
].map((draft) => Buffer.from(JSON.stringify(draft)));

interface Draft {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Members of the wrong type are dropped: a socket delivers text. */
function readDraft(input: Buffer): Draft {
  let value: unknown;
  try {
    value = JSON.parse(input.toString('utf8'));
  } catch {
    return { body: input.toString('utf8') };
  }
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(([, member]) => typeof member === 'string');
  const headers = 'headers' in value && typeof value.headers === 'object' ? (value.headers ?? {}) : {};
  const texts = Object.entries(headers).filter(([name, text]) => typeof text === 'string' && name !== '');
  return { ...Object.fromEntries(entries), headers: Object.fromEntries(texts) };
}

/** Changes by a proxy or an attacker after the request was signed. */
function alter(request: EmulatorRequest, dice: Dice): EmulatorRequest {
  if (dice.chance(0.5)) return request;
  const change = (text: string): string =>
    mutateLines(Buffer.from(text, 'latin1'), dice, [Buffer.from(text)])
      .toString('latin1')
      .replaceAll('\n', '');
  const at = dice.number(request.headers.length);
  const headers = request.headers.map(([name, value], index) =>
    index === at ? ([name, change(value)] as const) : ([name, value] as const),
  );
  return dice.chance(0.8)
    ? { ...request, headers }
    : { ...request, rawQuery: change(request.rawQuery), rawPath: `/${change(request.rawPath)}` };
}

function checkAnswer({ status, body }: { status: number; body: string }): string {
  if (status >= 500) throw new Violation(`the emulator answers ${status}: ${body.slice(0, 300)}`);
  return String(status);
}

function sessionRequests(): Run {
  const account = makeAccount(ROOT.pem);
  return async (input, dice) => {
    const request = alter(signX509(LEAF, readDraft(input)), dice);
    return checkAnswer(await account.ask(request));
  };
}

/** Requests of the control plane, of IAM and of STS, by an administrator. */
const CALLS = [
  {
    path: '/trustanchors',
    body: JSON.stringify({
      name: 'a',
      source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: ROOT.pem } },
    }),
  },
  {
    path: '/profiles',
    body: '{"name":"p","roleArns":["arn:aws:iam::123456789012:role/Demo"],"durationSeconds":900}',
  },
  { method: 'GET', path: '/trustanchors', body: '' },
  { method: 'GET', path: '/subjects', body: '' },
  { path: '/', body: 'Action=GetCallerIdentity&Version=2011-06-15' },
  {
    path: '/',
    body:
      'Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FDemo' +
      '&RoleSessionName=ab',
  },
].map((draft) => Buffer.from(JSON.stringify(draft)));

async function administratorRequests(): Promise<Run> {
  const options = { certificateAuthority: ROOT.pem, now: () => NOW, verbose: true, log: () => undefined };
  const emulator = await createEmulator(options);
  const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any', sessionToken: '' };
  return async (input, dice) => {
    const draft = readDraft(input);
    const service = draft.path === '/' ? dice.pick(['sts', 'iam']) : 'rolesanywhere';
    // A long-term key has no token.
    const headers = { 'x-amz-security-token': undefined, ...draft.headers };
    const request = signHmac({ ...keys, service, ...draft, headers });
    return checkAnswer(await emulator.handle(alter(request, dice)));
  };
}

function trustAnchor(input: Buffer): Promise<string> {
  return createEmulator({ certificateAuthority: input, now: () => NOW }).then(() => 'ok');
}

const POLICIES = [
  {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        Condition: {
          StringLike: { 'aws:PrincipalTag/x509Subject/CN': ['l*f', '${aws:SourceIp}'] },
          IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32'] },
        },
      },
    ],
  },
].map((value) => Buffer.from(JSON.stringify(value)));

/** A role's trust policy is read and evaluated. */
function trustPolicies(): Run {
  const account = makeAccount(ROOT.pem);
  return async (input) => {
    Object.assign(account.role, { assumeRolePolicyDocument: input.toString('utf8') });
    const request = { ...signX509(LEAF, { query: QUERY }), sourceIp: '10.1.2.3' };
    return checkAnswer(await account.ask(request));
  };
}

const TPM_KEYS = (): Buffer[] => {
  const vectors: Readonly<Record<string, { readonly pem?: string }>> = JSON.parse(
    readFileSync(join(import.meta.dirname, '..', 'vectors', 'tpm.json'), 'utf8'),
  );
  return Object.values(vectors).flatMap(({ pem }) => (pem === undefined ? [] : derOf(Buffer.from(pem))));
};

const URIS = [
  'pkcs11:token=My%20token;object=host;type=private;id=%01%02?pin-source=file:/tmp/pin&module-name=softhsm2',
  'pkcs11:manufacturer=a;serial=1;slot-id=2?pin-value=1234',
].map((text) => Buffer.from(text));

/** Of an RSA key, whose signature is the same each time: inputs can be repeated. */
const REQUEST = await createRequest({
  commonName: 'host-1',
  hosts: ['host-1.example', '192.0.2.1'],
  uris: ['spiffe://example/host-1'],
  privateKey: readFileSync(fixturePath('rsa-2048.key.pem'), 'utf8'),
});

/** Certificate requests, signed by a private CA. */
async function certificateRequests(): Promise<Run> {
  const authority = await createAuthority();
  return (input) => {
    const pem = input.toString('base64');
    return authority
      .sign(`-----BEGIN CERTIFICATE REQUEST-----\n${pem}\n-----END CERTIFICATE REQUEST-----\n`)
      .then(() => 'ok');
  };
}

/** Revocation lists, imported into the emulated account by an administrator. */
async function revocationLists(): Promise<Run> {
  const emulator = await createEmulator({ certificateAuthority: ROOT.pem, now: () => NOW });
  const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any', sessionToken: '' };
  const headers = { 'x-amz-security-token': undefined };
  return async (input) => {
    const crl = { name: 'a', crlData: input.toString('base64'), trustAnchorArn: emulator.trustAnchorArn };
    const body = JSON.stringify(crl);
    return checkAnswer(
      await emulator.handle(signHmac({ ...keys, service: 'rolesanywhere', path: '/crls', body, headers })),
    );
  };
}

const LIST_ISSUER = await openAuthority({
  certificate: readFileSync(fixturePath('root-rsa.pem'), 'utf8'),
  privateKey: readFileSync(fixturePath('root-rsa.key.pem'), 'utf8'),
  now: () => NOW,
});

const LIST = await LIST_ISSUER.issueRevocationList({
  number: 1,
  revocations: [{ serialNumber: '0a', revokedAt: NOW, reason: 'keyCompromise' }],
});

/** Requests of clients to `serve`, with its tokens and without. */
const CLIENTS = [
  { method: 'PUT', path: '/latest/api/token', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } },
  {
    method: 'GET',
    path: '/latest/meta-data/iam/security-credentials/Demo',
    headers: { 'x-aws-ec2-metadata-token': '@' },
  },
  { method: 'GET', path: '/credentials', headers: { authorization: TOKEN } },
  { method: 'GET', path: '/role/Backup/credential-process', headers: { authorization: TOKEN } },
  { method: 'GET', path: 'http://127.0.0.1/metrics?a=b', headers: { authorization: `Bearer ${TOKEN}` } },
].map((draft) => Buffer.from(JSON.stringify({ ...draft, headers: { host: '127.0.0.1', ...draft.headers } })));

/** The secret leaves only for who shows a token, asks this machine, and was not forwarded. */
function localRequests(): Run {
  const world = makeWorld();
  const session = world.session()['x-aws-ec2-metadata-token']?.toString() ?? '';
  return (input) => {
    const { method = 'GET', path = '/', headers: given = {} } = readDraft(input);
    const named = Object.entries(given).map(([name, value]) => [
      name.toLowerCase(),
      value === '@' ? session : value,
    ]);
    const headers: Record<string, string> = Object.fromEntries(named);
    const { status, body } = world.routes({ method, target: path, headers, peer: 'local' });
    const isTrusted = headers['authorization'] === TOKEN || headers['x-aws-ec2-metadata-token'] === session;
    const isForeign = headers['x-forwarded-for'] !== undefined || /[g-z]/i.test(headers['host'] ?? 'none');
    if (body.includes('the-secret') && (!isTrusted || (isForeign && headers['host'] !== 'localhost'))) {
      throw new Violation(`the secret was given to ${input.toString('latin1').slice(0, 300)}`);
    }
    return String(status);
  };
}

const SELECTORS = [
  'Key=x509Subject,Value=CN=host Key=x509Serial,Value=15D1',
  '[{"Key":"x509Issuer","Value":"CN=a"}]',
].map((text) => Buffer.from(text));

const STS_ANSWERS = [
  `<?xml version="1.0"?>
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
      <SessionToken>a&amp;b&#61;&#x3d;</SessionToken>
    </Credentials>
    <Detail/>
  </AssumeRoleResult>
</AssumeRoleResponse>`,
  `<ErrorResponse>
  <Error>
    <Code>AccessDenied</Code>
    <Message>User: x is not authorized</Message>
  </Error>
  <RequestId>r-1</RequestId>
</ErrorResponse>`,
].map((text) => Buffer.from(text));

export const TARGETS: readonly Target[] = [
  {
    name: 'der',
    fixtures: () => [...files(/\.der$/), ...files(/^[a-z0-9-]+\.pem$/).flatMap(derOf)],
    mutate: mutateDer,
    prepare: () => (input) => parseCertificate(input, 'input').then(() => 'ok'),
  },
  {
    name: 'pem',
    fixtures: () => files(/\.pem$/),
    mutate: mutatePem,
    limits: DERIVING,
    prepare: () => (input, dice) => {
      const source = { certificate: input, passphrase: passphrase(dice) };
      return loadIdentity(source, { now: () => NOW }).then(() => 'ok');
    },
  },
  {
    name: 'pkcs7',
    fixtures: () => files(/\.p7b$/),
    mutate: mutatePem,
    prepare: () => (input) => loadCertificates({ certificate: input }).then(() => 'ok'),
  },
  {
    name: 'pkcs12',
    fixtures: () => files(/\.p12$/),
    mutate: mutateDer,
    limits: DERIVING,
    prepare: () => (input, dice) => {
      const source = { certificate: input, passphrase: passphrase(dice) };
      return loadIdentity(source, { now: () => NOW }).then(() => 'ok');
    },
  },
  {
    name: 'key',
    fixtures: () => files(/(key|sec1|pkcs1|both|expanded|encrypted|pbkdf2.*|scrypt.*)\.(pem|der)$/),
    mutate: mutatePem,
    limits: DERIVING,
    prepare: () => async (input, dice) => {
      const source = { privateKey: input, passphrase: passphrase(dice) };
      const key = await loadSigner(source);
      await key.sign(Buffer.from('data'));
      return 'ok';
    },
  },
  {
    name: 'bundle',
    fixtures: () => files(/root.*\.pem$/),
    mutate: mutatePem,
    prepare: () => (input) => loadTrustBundle(fileWith(input)).then(() => 'ok'),
  },
  { name: 'ini', fixtures: () => INI, mutate: mutateLines, prepare: () => edit },
  {
    name: 'aws-config',
    fixtures: () => INI,
    mutate: mutateLines,
    prepare: () => (input) => {
      parseAwsConfig(input.toString('utf8'), 'input');
      return 'ok';
    },
  },
  {
    name: 'config',
    fixtures: () => CONFIGS,
    mutate: mutateJson,
    prepare: () => (input) => loadJsonConfig(fileWith(input), KNOWN, {}).then(() => 'ok'),
  },
  {
    name: 'selector',
    fixtures: () => SELECTORS,
    mutate: mutateLines,
    prepare: () => (input) => {
      const text = input.toString('utf8');
      if (text.startsWith('[')) parseCertSelectorJson(text, 'input');
      else parseCertSelector(text);
      return 'ok';
    },
  },
  {
    name: 'seed',
    fixtures: () => SEEDS,
    mutate: mutateJson,
    prepare: () => (input) => createEmulator({ seed: fileWith(input), now: () => NOW }).then(() => 'ok'),
  },
  {
    name: 'anchor',
    fixtures: () => files(/^root.*[a-z]\.pem$/),
    mutate: mutatePem,
    prepare: () => trustAnchor,
  },
  {
    name: 'answer',
    fixtures: () => [CREDENTIALS, { message: 'a' }].map((value) => Buffer.from(JSON.stringify(value))),
    mutate: mutateJson,
    prepare: () => (input, dice) => {
      const headers = { 'retry-after': dice.pick([undefined, '1', input.toString('latin1').slice(0, 40)]) };
      const status = dice.pick([200, 201, 201, 201, 204, 302, 403, 429, 500]);
      parseSessionResponse({ status, headers, body: input }, { roleArn: 'arn', now: () => NOW });
      return 'ok';
    },
  },
  {
    name: 'sts',
    fixtures: () => STS_ANSWERS,
    mutate: mutateLines,
    prepare: () => (input, dice) => {
      const status = dice.pick([200, 200, 403, 500]);
      parseStsResponse({ status, headers: {}, body: input }, { action: 'AssumeRole', now: NOW });
      return 'ok';
    },
  },
  { name: 'http', fixtures: () => ANSWERS, mutate: mutateAnswer, prepare: answerOverHttp },
  { name: 'session', fixtures: () => DRAFTS, mutate: mutateJson, prepare: sessionRequests },
  { name: 'calls', fixtures: () => CALLS, mutate: mutateJson, prepare: administratorRequests },
  { name: 'policy', fixtures: () => POLICIES, mutate: mutateJson, prepare: trustPolicies },
  {
    name: 'tpm-key',
    fixtures: TPM_KEYS,
    mutate: mutateDer,
    prepare: () => (input) => {
      parseTpmKeyFile(input, 'input');
      return 'ok';
    },
  },
  {
    name: 'uri',
    fixtures: () => URIS,
    mutate: mutateLines,
    prepare: () => (input) => {
      parsePkcs11Uri(input.toString('utf8'), 'input');
      return 'ok';
    },
  },
  {
    name: 'request',
    fixtures: () => derOf(Buffer.from(REQUEST.request)),
    mutate: mutateDer,
    prepare: certificateRequests,
  },
  { name: 'crl', fixtures: () => derOf(Buffer.from(LIST)), mutate: mutateDer, prepare: revocationLists },
  { name: 'serve', fixtures: () => CLIENTS, mutate: mutateJson, prepare: localRequests },
];

/** The fixtures, or one of them mutated up to four times. */
export function makeInput(target: Target, fixtures: readonly Buffer[], dice: Dice): Buffer {
  let input = dice.pick(fixtures);
  const times = dice.pick([1, 1, 1, 2, 4]);
  for (let count = 0; count < times; count++) {
    input = (dice.chance(0.9) ? target.mutate : mutateBytes)(input, dice, fixtures);
  }
  return input.subarray(0, 1024 * 1024);
}
