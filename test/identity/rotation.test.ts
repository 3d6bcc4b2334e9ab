import { X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertUsableIdentity } from '../../src/identity/check-identity.js';
import type { SigningIdentity } from '../../src/identity/identity.js';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import { loadIdentity } from '../../src/identity/load.js';
import { rotatingIdentity } from '../../src/identity/rotation.js';
import { NOW, path } from '../fixtures.js';
import { integer } from './keys/der.js';
import { LEAF_KEY, makeCertificate, name, utc } from './make-certificate.js';

let folder: string;
let warnings: string[];
let loads: number;
let now: Date;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
  warnings = [];
  loads = 0;
  now = NOW;
});
afterEach(() => rmSync(folder, { recursive: true }));

function rotating(source: IdentitySource, onLoad = () => {}): () => Promise<string> {
  const identity = rotatingIdentity(source, {
    load: async () => {
      loads += 1;
      const loaded = await loadIdentity(source, { now: () => now });
      onLoad();
      return loaded;
    },
    assertUsableIdentity: (loaded) => assertUsableIdentity(loaded, now),
    now: () => now,
  });
  return async () => nameOf(await identity((message) => warnings.push(message)));
}

function nameOf({ certificate }: SigningIdentity): string {
  return certificate.subject.replace(/^.*CN=/, '');
}

const source = () => ({ certificate: join(folder, 'host.pem'), privateKey: join(folder, 'host.key') });

/** Written in place. */
function write(name: string, parts: readonly ('pem' | 'key.pem')[] = ['pem', 'key.pem']): void {
  const { certificate, privateKey } = source();
  if (parts.includes('pem')) copyFileSync(path(`${name}.pem`), certificate);
  if (parts.includes('key.pem')) copyFileSync(path(`${name}.key.pem`), privateKey);
}

describe('rotatingIdentity', () => {
  it('does not read unchanged files again', async () => {
    write('rsa-2048');
    const identity = rotating(source());
    for (let i = 0; i < 5; i++) expect(await identity()).toBe('rsa-2048');
    expect(loads).toBe(1);
  });

  it('uses a pair that is written in place', async () => {
    write('rsa-2048');
    const identity = rotating(source());
    await identity();
    write('ec-p256');
    expect(await identity()).toBe('ec-p256');
    expect(warnings).toEqual([]);
  });

  it('uses a pair that is renamed into place with the same times and sizes', async () => {
    write('ec-p256');
    const identity = rotating(source());
    await identity();
    for (const [name, file] of [
      ['ec-p384.pem', 'host.pem'],
      ['ec-p384.key.pem', 'host.key'],
    ] as const) {
      copyFileSync(path(name), join(folder, 'new'));
      renameSync(join(folder, 'new'), join(folder, file));
    }
    expect(await identity()).toBe('ec-p384');
  });

  it('uses a pair whose folder is switched, as in Kubernetes secrets', async () => {
    const volume = (revision: string, name: string): void => {
      mkdirSync(join(folder, revision));
      copyFileSync(path(`${name}.pem`), join(folder, revision, 'tls.crt'));
      copyFileSync(path(`${name}.key.pem`), join(folder, revision, 'tls.key'));
      symlinkSync(revision, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    volume('..2026_01', 'rsa-2048');
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, join(folder, file));
    const identity = rotating({ certificate: join(folder, 'tls.crt'), privateKey: join(folder, 'tls.key') });
    expect(await identity()).toBe('rsa-2048');
    volume('..2026_02', 'ec-p256');
    expect(await identity()).toBe('ec-p256');
    rmSync(join(folder, '..2026_01'), { recursive: true });
    expect(await identity()).toBe('ec-p256');
    expect(warnings).toEqual([]);
  });

  it('keeps the old pair while half of the new one is missing, and warns once', async () => {
    write('rsa-2048');
    const identity = rotating(source());
    await identity();
    write('ec-p256', ['pem']);
    for (let i = 0; i < 3; i++) expect(await identity()).toBe('rsa-2048');
    expect(warnings).toEqual([
      expect.stringMatching(
        /^the changed .* are not used: .*host\.key.* does not belong to .*; the previous ones are, until .*Z$/,
      ),
    ]);
    write('ec-p256', ['key.pem']);
    expect(await identity()).toBe('ec-p256');
    write('rsa-2048', ['pem']);
    expect(await identity()).toBe('ec-p256');
    expect(warnings).toHaveLength(2);
  });

  it.each<[string, () => void]>([
    ['cut short', () => truncateSync(source().certificate, 300)],
    ['empty', () => writeFileSync(source().privateKey, '')],
    ['gone', () => unlinkSync(source().privateKey)],
    ['expired', () => write('bad-expired')],
    ['of a kind that the service refuses', () => write('bad-ca')],
  ])('keeps the old pair if the new one is %s', async (_name, change) => {
    write('rsa-2048');
    const identity = rotating(source());
    await identity();
    change();
    for (let i = 0; i < 3; i++) expect(await identity()).toBe('rsa-2048');
    expect(warnings).toHaveLength(1);
    write('ec-p256');
    expect(await identity()).toBe('ec-p256');
  });

  it('reports the fault of the new pair if the old one has expired', async () => {
    write('rsa-2048');
    const identity = rotating(source());
    await identity();
    now = new Date('2126-01-01T00:00:00Z');
    unlinkSync(source().privateKey);
    await expect(identity()).rejects.toMatchObject({ code: 'ERR_FILE_UNREADABLE' });
    expect(warnings).toEqual([]);
  });

  it('fails without a first pair, and recovers', async () => {
    const identity = rotating(source());
    await expect(identity()).rejects.toMatchObject({ code: 'ERR_FILE_UNREADABLE' });
    write('rsa-2048');
    expect(await identity()).toBe('rsa-2048');
  });

  it('reads files again if they changed while they were read', async () => {
    write('rsa-2048');
    let isFirst = true;
    const identity = rotating(source(), () => {
      if (isFirst) write('ec-p256');
      isFirst = false;
    });
    expect(await identity()).toBe('ec-p256');
    expect(loads).toBe(2);
  });

  it('reads files that keep changing at most three times', async () => {
    write('rsa-2048');
    const identity = rotating(source(), () => write('ec-p256'));
    expect(await identity()).toBe('ec-p256');
    expect(loads).toBe(3);
  });

  it('reads a file with the next certificate again when the first has expired', async () => {
    const ending = makeCertificate({ subject: name('host'), notAfter: utc('260701000000Z') });
    const next = makeCertificate({
      ...{ subject: name('host'), serial: integer(4712) },
      ...{ notBefore: utc('260615000000Z'), notAfter: utc('270601000000Z') },
    });
    const pem = (der: Buffer): string => new X509Certificate(der).toString();
    writeFileSync(source().certificate, pem(next) + pem(ending));
    writeFileSync(source().privateKey, LEAF_KEY);
    const serial = async () => (await identity()).certificate.serialNumber;
    const identity = rotatingIdentity(source(), {
      load: () => {
        loads += 1;
        return loadIdentity(source(), { now: () => now });
      },
      assertUsableIdentity: (loaded) => assertUsableIdentity(loaded, now),
      now: () => now,
    });
    const seen: unknown[] = [];
    for (const day of ['2026-06-01', '2026-06-30', '2026-07-02', '2026-07-03', '2027-05-31']) {
      now = new Date(`${day}T12:00:00Z`);
      seen.push([day, await serial(), loads]);
    }
    expect(seen).toEqual([
      ['2026-06-01', '4711', 1],
      ['2026-06-30', '4711', 1],
      ['2026-07-02', '4712', 2],
      ['2026-07-03', '4712', 2],
      ['2027-05-31', '4712', 2],
    ]);
  });

  it('accepts PEM text in place of paths', async () => {
    const [certificate, privateKey] = ['rsa-2048.pem', 'rsa-2048.key.pem'].map((file) =>
      readFileSync(path(file), 'utf8'),
    );
    const identity = rotating({ certificate, privateKey });
    await identity();
    expect(await identity()).toBe('rsa-2048');
    expect(loads).toBe(1);
  });

  it('shows no key text in a warning', async () => {
    write('rsa-2048');
    const identity = rotating(source());
    await identity();
    const key = readFileSync(path('ec-p256.key.pem'), 'utf8');
    writeFileSync(source().privateKey, key.slice(0, 120));
    await identity();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toContain(key.slice(40, 100));
  });
});
