/** Keys on tokens of SoftHSM 2, made by OpenSSL and pkcs11-tool. OpenSSL verifies the signatures. */
import { execFileSync } from 'node:child_process';
import { verify, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../../src/identity/load.js';
import { Pkcs11Module } from '../../../src/identity/pkcs11/module.js';
import { startWorker } from '../../../src/identity/pkcs11/start-worker.js';
import type { TokenKey, TokenKeyOptions } from '../../../src/identity/pkcs11/token-key.js';
import { openLoneKey, openTokenKey } from '../../../src/identity/pkcs11/token-key.js';
import { parsePkcs11Uri } from '../../../src/identity/pkcs11/uri.js';
import type { SoftHsm } from './softhsm.js';
import { MODULE, missingForSoftHsm, PIN, startSoftHsm } from './softhsm.js';

const WORKER = join(import.meta.dirname, '..', '..', '..', 'dist', 'pkcs11-worker.cjs');
const DATA = Buffer.from('AWS4-X509-RSA-SHA256\n…');
const missing = missingForSoftHsm();
const leftOut = missing === undefined ? '' : ` (left out: no ${missing})`;

const open: Pkcs11Module[] = [];
afterEach(() => {
  for (const module of open.splice(0)) module.close();
});

function moduleOf(hsm: SoftHsm, path = MODULE): Pkcs11Module {
  const module = new Pkcs11Module({ path, start: () => startWorker([process.execPath, WORKER], hsm.env) });
  open.push(module);
  return module;
}

interface Wanted extends Partial<Omit<TokenKeyOptions, 'certificateUri' | 'keyUri'>> {
  readonly certificate?: string;
  readonly key?: string;
}

function optionsFor(hsm: SoftHsm, { certificate, key, ...others }: Wanted): TokenKeyOptions {
  return {
    module: moduleOf(hsm),
    certificateUri: certificate === undefined ? undefined : parsePkcs11Uri(certificate, '--certificate'),
    keyUri: key === undefined ? undefined : parsePkcs11Uri(key, '--private-key'),
    certificates: [],
    isPinReused: false,
    pin: async () => PIN,
    notify: () => undefined,
    now: () => new Date(),
    ...others,
  };
}

/** The subject of the leaf whose key verifies the signature. */
async function signWith(hsm: SoftHsm, wanted: Wanted): Promise<string> {
  const key = await openTokenKey(optionsFor(hsm, wanted));
  const [leaf = Buffer.alloc(0)] = key.certificates;
  const certificate = new X509Certificate(leaf);
  expect(verify('sha256', DATA, certificate.publicKey, await key.sign(DATA))).toBe(true);
  return certificate.subject;
}

const RSA = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
const EC = (curve: string): string[] => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];

describe.skipIf(missing)(`keys in SoftHSM${leftOut}`, () => {
  let hsm: SoftHsm;

  beforeAll(() => {
    hsm = startSoftHsm();
    hsm.addToken('host');
    hsm.addPair('host', RSA, 'rsa', '01', { subject: '/CN=rsa' });
    hsm.addPair('host', EC('P-256'), 'p256', '02', { subject: '/CN=p256' });
    hsm.addPair('host', EC('P-384'), 'p384', '03', { subject: '/CN=p384' });
    hsm.addPair('host', EC('P-521'), 'p521', '04', { subject: '/CN=p521' });
    hsm.addPair('host', EC('P-256'), 'a b;c%d é', '00ff00', { subject: '/CN=odd' });
    hsm.addPair('host', EC('P-256'), 'always', '05', { subject: '/CN=always', keyArgs: ['--always-auth'] });
    hsm.addPair('host', EC('P-256'), 'renewed', '06', { subject: '/CN=renewed', days: 1 });
    hsm.addPair('host', EC('P-256'), 'renewed', '07', { subject: '/CN=renewed', days: 60 });
    hsm.addToken('twin');
    hsm.addToken('twin');
  });

  /** The certificate of a key on the token, as a file would have it. */
  function certificateOf(label: string): Buffer {
    const tool = ['--module', MODULE, '--token-label', 'host', '--read-object', '--type', 'cert'];
    hsm.run('pkcs11-tool', ...tool, '--label', label, '-o', 'read.der');
    return readFileSync(join(hsm.folder, 'read.der'));
  }

  afterAll(() => hsm?.stop());

  it.each(['rsa', 'p256', 'p384', 'p521'])('signs with the key of a certificate: %s', async (label) => {
    expect(await signWith(hsm, { certificate: `pkcs11:token=host;object=${label}` })).toBe(`CN=${label}`);
  });

  it('finds objects by an id with zero octets and by a label with special characters', async () => {
    expect(await signWith(hsm, { certificate: 'pkcs11:token=host;id=%00%FF%00' })).toBe('CN=odd');
    const label = encodeURIComponent('a b;c%d é');
    expect(await signWith(hsm, { certificate: `pkcs11:object=${label};type=cert` })).toBe('CN=odd');
  });

  it('uses the renewed certificate, which expires last', async () => {
    expect(await signWith(hsm, { certificate: 'pkcs11:object=renewed' })).toBe('CN=renewed');
    const key = await openTokenKey(optionsFor(hsm, { certificate: 'pkcs11:object=renewed' }));
    const days =
      (new Date(new X509Certificate(key.certificates[0] ?? '').validTo).getTime() - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(50);
  });

  it('names the certificates if several subjects match', async () => {
    await expect(signWith(hsm, { certificate: 'pkcs11:token=host' })).rejects.toMatchObject({
      code: 'ERR_PKCS11_OBJECT',
      message: expect.stringMatching(
        /must be one, found \d+: pkcs11:token=host;\S*id=%\S*, pkcs11:token=host;\S*id=%/,
      ),
    });
  });

  it('pairs a certificate in a file with a key on the token; refuses other pairs', async () => {
    const own = new X509Certificate(
      hsm.addPair('host', RSA, 'file', '0a', { subject: '/CN=file', hasCertificate: false }),
    ).raw;
    const other = new X509Certificate(
      hsm.addPair('host', RSA, 'other', '0b', { subject: '/CN=other', hasCertificate: false }),
    ).raw;
    expect(await signWith(hsm, { key: 'pkcs11:token=host;object=file', certificates: [other, own] })).toBe(
      'CN=file',
    );
    await expect(
      signWith(hsm, { key: 'pkcs11:token=host;object=file', certificates: [other] }),
    ).rejects.toMatchObject({
      code: 'ERR_KEY_MISMATCH',
    });
  });

  it.each(['p256', 'p384', 'a b;c%d é'])(
    'finds the certificate of a key that is named alone and shows no public half: %s',
    async (label) => {
      const subject = label.startsWith('a b') ? 'CN=odd' : `CN=${label}`;
      expect(await signWith(hsm, { key: `pkcs11:token=host;object=${encodeURIComponent(label)}` })).toBe(
        subject,
      );
    },
  );

  it('tries which of several keys belongs to a certificate in a file, if none asks for a PIN', async () => {
    hsm.addToken('several');
    const certificates = ['s1', 's2', 's3'].map((label, index) => {
      const pem = hsm.addPair('several', EC('P-256'), label, `0${index}`, {
        subject: `/CN=${label}`,
        hasCertificate: false,
      });
      return new X509Certificate(pem).raw;
    });
    for (const [index, certificate] of certificates.entries()) {
      const wanted = { key: 'pkcs11:token=several', certificates: [certificate] };
      expect(await signWith(hsm, wanted)).toBe(`CN=s${index + 1}`);
    }
    const other = { key: 'pkcs11:token=several', certificates: [certificateOf('p256')] };
    await expect(signWith(hsm, other)).rejects.toMatchObject({ code: 'ERR_KEY_MISMATCH' });
  });

  it('does not guess which of several keys belongs to a certificate in a file', async () => {
    const certificates = [certificateOf('p256')];
    await expect(signWith(hsm, { key: 'pkcs11:token=host', certificates })).rejects.toMatchObject({
      code: 'ERR_PKCS11_OBJECT',
      message: expect.stringMatching(
        /^the private key must be one, found \d: (pkcs11:token=host;\S+ ?){3}and \d more$/,
      ),
    });
    expect(await signWith(hsm, { key: 'pkcs11:token=host;object=p256', certificates })).toBe('CN=p256');
    // One key alone is on this curve.
    const only = [certificateOf('p521')];
    expect(await signWith(hsm, { key: 'pkcs11:token=host', certificates: only })).toBe('CN=p521');
  });

  it('does not choose among the certificates of a token', async () => {
    await expect(signWith(hsm, { key: 'pkcs11:token=host' })).rejects.toMatchObject({
      code: 'ERR_PKCS11_OBJECT',
      message: expect.stringMatching(/^the private key must be one, found \d/),
    });
  });

  it('refuses a key on another curve than that of the certificate', async () => {
    const certificates = [certificateOf('p256')];
    await expect(signWith(hsm, { key: 'pkcs11:token=host;object=p384', certificates })).rejects.toMatchObject(
      { code: 'ERR_KEY_MISMATCH' },
    );
  });

  it('names a key that has no certificate on the token', async () => {
    hsm.addPair('host', RSA, 'bare', '0c', { hasCertificate: false });
    await expect(signWith(hsm, { key: 'pkcs11:token=host;object=bare' })).rejects.toMatchObject({
      code: 'ERR_PKCS11_OBJECT',
      message: expect.stringMatching(/^no certificate on token "host" belongs to the private key pkcs11:/),
      hint: expect.stringMatching(/--certificate/),
    });
  });

  it('signs with a key file for the certificate that the URI names, and for no other', async () => {
    hsm.addPair('host', EC('P-256'), 'paired', '0d', { subject: '/CN=paired' });
    const keyFile = readFileSync(join(hsm.folder, 'key.pem'));
    const load = (uri: string) =>
      loadIdentity({ certificate: uri, privateKey: keyFile, pkcs11Module: MODULE }, { env: hsm.env });
    expect((await load('pkcs11:token=host;object=paired')).certificate.subject).toBe('CN=paired');
    // The key tells which certificate of the token is meant.
    expect((await load('pkcs11:token=host')).certificate.subject).toBe('CN=paired');
    await expect(load('pkcs11:token=host;object=p256')).rejects.toMatchObject({ code: 'ERR_KEY_MISMATCH' });
  });

  it('leaves out what is no certificate', async () => {
    const script = `
      const { PKCS11 } = require('pkcs11js');
      const module = new PKCS11();
      module.load(${JSON.stringify(MODULE)});
      module.C_Initialize();
      for (const slot of module.C_GetSlotList(true)) {
        if (module.C_GetTokenInfo(slot).label.trim() !== 'damaged') continue;
        const session = module.C_OpenSession(slot, 6);
        module.C_Login(session, 1, '${PIN}');
        const text = (type, value) => ({ type, value: Buffer.from(value) });
        module.C_CreateObject(session, [
          { type: 0, value: 1 }, { type: 1, value: true }, { type: 0x80, value: 0 },
          text(0x3, 'damaged'), text(0x101, 'x'), text(0x102, 'y'), text(0x11, 'no certificate'),
        ]);
      }`;
    hsm.addToken('damaged');
    hsm.addPair('damaged', EC('P-256'), 'whole', '01', { subject: '/CN=whole' });
    execFileSync(process.execPath, ['-e', script], { env: hsm.env, cwd: import.meta.dirname });
    expect(await signWith(hsm, { certificate: 'pkcs11:token=damaged' })).toBe('CN=whole');
    expect(await signWith(hsm, { key: 'pkcs11:token=damaged' })).toBe('CN=whole');
    await expect(signWith(hsm, { certificate: 'pkcs11:object=damaged' })).rejects.toMatchObject({
      code: 'ERR_PKCS11_OBJECT',
    });
  });

  it('tells the public halves of keys without ids by their labels', async () => {
    const keys = ['first', 'second'];
    hsm.addToken('unnamed');
    const login = ['--module', MODULE, '--token-label', 'unnamed', '--login', '--pin', PIN];
    for (const label of keys) {
      hsm.run('pkcs11-tool', ...login, '--keypairgen', '--key-type', 'EC:prime256v1', '--label', label);
    }
    for (const label of keys) {
      const key = await openLoneKey(optionsFor(hsm, { key: `pkcs11:token=unnamed;object=${label}` }));
      if (key === undefined) throw new Error('a key');
      expect(verify('sha256', DATA, key.publicKey, await key.sign(DATA))).toBe(true);
    }
  });

  it.each(['rsa:2048', 'EC:prime256v1', 'EC:secp384r1', 'EC:secp521r1'])(
    'signs with a key that has no certificate yet: %s',
    async (type) => {
      hsm.addToken(type);
      hsm.addKey(type, type, 'new', '01');
      const key = await openLoneKey(optionsFor(hsm, { key: `pkcs11:token=${encodeURIComponent(type)}` }));
      if (key === undefined) throw new Error('a key');
      expect(verify('sha256', DATA, key.publicKey, await key.sign(DATA))).toBe(true);
    },
  );

  it('signs with a key that needs the PIN each time, if the PIN may be reused', async () => {
    expect(await signWith(hsm, { certificate: 'pkcs11:object=always', isPinReused: true })).toBe('CN=always');
    const subjects: string[] = [];
    const pin = async (subject: string): Promise<string | undefined> => {
      subjects.push(subject);
      return subject.startsWith('signing') ? undefined : PIN;
    };
    await expect(signWith(hsm, { certificate: 'pkcs11:object=always', pin })).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      hint: expect.stringMatching(/--reuse-pin/),
    });
    expect(subjects).toContain('signing with token "host"');
  });

  it('tries a wrong PIN once and refuses it afterwards', async () => {
    const wrong = { certificate: 'pkcs11:object=rsa', pin: async () => '00000000' };
    await expect(signWith(hsm, wrong)).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: expect.stringMatching(/refused the PIN \(CKR_PIN_INCORRECT\)/),
    });
    await expect(signWith(hsm, wrong)).rejects.toMatchObject({
      code: 'ERR_PKCS11_PIN',
      message: expect.stringMatching(/refused this PIN before/),
    });
    expect(await signWith(hsm, { certificate: 'pkcs11:object=rsa' })).toBe('CN=rsa');
  });

  it.each([
    [
      'no PIN',
      { certificate: 'pkcs11:object=rsa', pin: async () => undefined },
      'ERR_PKCS11_PIN',
      /requires a PIN/,
    ],
    [
      'no such token',
      { certificate: 'pkcs11:token=nowhere' },
      'ERR_PKCS11_TOKEN',
      /found the tokens .*"host"/,
    ],
    [
      'no such certificate',
      { certificate: 'pkcs11:token=host;object=none' },
      'ERR_PKCS11_OBJECT',
      /no certificate/,
    ],
    [
      'no such key',
      { certificate: 'pkcs11:object=rsa', key: 'pkcs11:token=host;object=none' },
      'ERR_PKCS11_OBJECT',
      /no private key/,
    ],
    [
      'several tokens',
      { key: 'pkcs11:token=twin' },
      'ERR_PKCS11_TOKEN',
      /matches "twin" \(serial \w+, slot-id \d+\), "twin"/,
    ],
  ] as const)('names %s', async (_name, wanted, code, message) => {
    await expect(signWith(hsm, wanted)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('loads as an identity; an RSA key derives a stable cache key', async () => {
    const load = (label: string) =>
      loadIdentity(
        { certificate: `pkcs11:token=host;object=${label}?pin-value=${PIN}`, pkcs11Module: MODULE },
        { env: hsm.env },
      );
    const identity = await load('rsa');
    const { keyObject } = identity.certificate.publicKey;
    expect(keyObject && verify('sha256', DATA, keyObject, await identity.sign(DATA))).toBe(true);
    const secret = await identity.deriveKey?.('cache');
    expect(secret).toHaveLength(32);
    expect(await (await load('rsa')).deriveKey?.('cache')).toEqual(secret);
    expect(await identity.deriveKey?.('other')).not.toEqual(secret);
    expect((await load('p256')).deriveKey).toBeUndefined();
  });

  // SoftHSM rewrites the token's file at each login, and disturbs the others.
  it('serves several processes at once', async () => {
    const all = Array.from({ length: 6 }, () => optionsFor(hsm, { certificate: 'pkcs11:object=rsa' }));
    // One after the other: SoftHSM leaves a token out for good if it starts while that file is being written.
    const keys: TokenKey[] = [];
    for (const options of all) keys.push(await openTokenKey(options));
    const signatures = await Promise.all(keys.flatMap((key) => [key.sign(DATA), key.sign(DATA)]));
    const { publicKey } = new X509Certificate(keys[0]?.certificates[0] ?? '');
    for (const signature of signatures) expect(verify('sha256', DATA, publicKey, signature)).toBe(true);
  });

  it('continues after its process has ended', async () => {
    const options = optionsFor(hsm, { certificate: 'pkcs11:object=rsa' });
    const key = await openTokenKey(options);
    options.module.close();
    const { publicKey } = new X509Certificate(key.certificates[0] ?? '');
    expect(verify('sha256', DATA, publicKey, await key.sign(DATA))).toBe(true);
  });
});

describe.skipIf(missing)(`a module that cannot be used${leftOut}`, () => {
  let hsm: SoftHsm;
  beforeAll(() => {
    hsm = startSoftHsm();
  });
  afterAll(() => hsm?.stop());

  it.each([
    ['a missing file', '/nowhere/module.so', /cannot be loaded: .*nowhere/],
    ['a file that is no library', join(import.meta.dirname, 'softhsm.ts'), /cannot be loaded/],
    ['a library that is no module', 'libc.so.6', /cannot be loaded|failed/],
  ])('is named: %s', async (_name, path, message) => {
    await expect(moduleOf(hsm, path).ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE',
      message: expect.stringMatching(message),
    });
  });

  it('is not searched for without the binding, and the message names the package to install', async () => {
    // Away from node_modules, the worker finds no pkcs11js.
    const alone = join(hsm.folder, 'worker.cjs');
    copyFileSync(WORKER, alone);
    const module = new Pkcs11Module({
      path: MODULE,
      start: () => startWorker([process.execPath, alone], hsm.env),
    });
    await expect(module.ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_UNAVAILABLE',
      message: expect.stringMatching(/pkcs11js, which is not installed/),
      hint: expect.stringMatching(/npm install pkcs11js.*compiler/),
    });
    module.close();
  });

  it('is not looked for with a binding for another system, and the message says what to do', async () => {
    const folder = join(hsm.folder, 'node_modules', 'pkcs11js');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'index.js'), `module.exports = require('./pkcs11.node');`);
    writeFileSync(join(folder, 'pkcs11.node'), 'not a library');
    copyFileSync(WORKER, join(hsm.folder, 'worker.cjs'));
    const start = () => startWorker([process.execPath, join(hsm.folder, 'worker.cjs')], hsm.env);
    const module = new Pkcs11Module({ path: MODULE, start });
    await expect(module.ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_UNAVAILABLE',
      message: expect.stringMatching(/^the package pkcs11js cannot be loaded: .*pkcs11\.node: /),
      hint: expect.stringMatching(/^npm rebuild pkcs11js/),
    });
    module.close();
  });

  it('is killed if it hangs, and named if it crashes', async () => {
    const program = (code: string, limits = {}) =>
      new Pkcs11Module({
        path: 'module.so',
        start: () => startWorker([process.execPath, '-e', code], {}),
        ...limits,
      });
    const hanging = program('setInterval(() => {}, 1000)', { openMs: 50 });
    await expect(hanging.ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE',
      message: 'PKCS#11 module module.so did not answer within 0.05 s',
    });
    const answers = 'process.stdin.once("data", () => require("fs").writeSync(3, `{"id":1,"result":{}}\\n`))';
    const hangingLater = program(answers).ask('tokens', {}, { timeoutMs: 50 });
    await expect(hangingLater).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE',
      message: 'PKCS#11 module module.so did not answer within 0.05 s',
    });
    const noise = 'require("fs").writeSync(3, "loaded\\n"); setInterval(() => {}, 1000)';
    await expect(program(noise).ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE',
      message: 'PKCS#11 module module.so wrote to the pipe of its responses',
    });
    await expect(program('process.kill(process.pid, "SIGSEGV")').ask('tokens', {})).rejects.toMatchObject({
      code: 'ERR_PKCS11_MODULE',
      message: 'PKCS#11 module module.so ended by SIGSEGV',
    });
  });
});
