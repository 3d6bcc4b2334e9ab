/**
 * The folder of a private CA: `ca.pem`, `ca.key`, the index of the certificates that it issued
 * (`index.json`), and for an intermediate CA the certificates above it (`chain.pem`, `root.pem`).
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { RevocationReason } from '../../authority/options.js';
import { IdentityError, isRolesAnywhereError, oneLine } from '../../errors.js';
import { FileFault } from '../../files/file-fault.js';
import { acquireLock } from '../../files/lock.js';
import { readTextFileIfThere } from '../../files/read-file.js';
import { writeError, writeFileWhole } from '../../files/write-file.js';
import { openPlace } from '../../files/write-place.js';

export interface CaFiles {
  readonly certificate: string;
  readonly privateKey: string;
  /** This CA's certificate and the intermediate ones above it; only that of an intermediate CA exists. */
  readonly chain: string;
  /** The root certificate above an intermediate CA. */
  readonly root: string;
  readonly index: string;
  readonly revocationList: string;
}

/** A certificate that the CA has issued. Times are ISO 8601. */
export interface IssuedEntry {
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  readonly subject: string;
  readonly issuedAt: string;
  readonly notAfter: string;
  readonly revokedAt?: string;
  readonly reason?: RevocationReason;
}

export interface CaIndex {
  readonly version: 1;
  /** Number of the last revocation list. */
  readonly revocationListNumber: number;
  readonly certificates: readonly IssuedEntry[];
}

/** The public part of a CA. */
export interface CaFolder {
  readonly files: CaFiles;
  /** PEM. */
  readonly certificate: string;
  /** PEM of the intermediates to append to an issued certificate; empty for a root CA. */
  readonly chain: string;
  /** PEM of the trust anchor. */
  readonly root: string;
}

export const EMPTY_INDEX: CaIndex = { version: 1, revocationListNumber: 0, certificates: [] };

const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const WAIT_MS = 10_000;

export function caFilesOf(folder: string): CaFiles {
  return {
    certificate: join(folder, 'ca.pem'),
    privateKey: join(folder, 'ca.key'),
    chain: join(folder, 'chain.pem'),
    root: join(folder, 'root.pem'),
    index: join(folder, 'index.json'),
    revocationList: join(folder, 'crl.pem'),
  };
}

/** @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_CERTIFICATE_INVALID` */
export async function readCaFolder(folder: string): Promise<CaFolder> {
  const files = caFilesOf(folder);
  const certificate = await readTextFileIfThere(files.certificate, `CA certificate ${files.certificate}`);
  if (certificate === undefined) {
    throw new IdentityError('ERR_FILE_UNREADABLE', `there is no CA in folder ${folder}: ca.pem is missing`, {
      hint: 'make one with ca init, or name its folder with --ca-folder',
    });
  }
  parseCertificate(certificate, `CA certificate ${files.certificate}`);
  const chain = (await readTextFileIfThere(files.chain, `chain ${files.chain}`)) ?? '';
  const root = (await readTextFileIfThere(files.root, `root certificate ${files.root}`)) ?? certificate;
  return { files, certificate, chain, root };
}

/** @throws IdentityError `ERR_CERTIFICATE_INVALID` */
export function parseCertificate(pem: string, subject: string): X509Certificate {
  try {
    const certificate = new X509Certificate(pem);
    // Throws for a key that OpenSSL reads and that ends the process when it is described.
    certificate.publicKey.export({ type: 'spki', format: 'der' });
    return certificate;
  } catch (cause) {
    throw new IdentityError('ERR_CERTIFICATE_INVALID', `${subject} is not a PEM certificate`, { cause });
  }
}

/** The subject in one line: `O=Example, CN=host-1`. */
export function subjectOf({ subject }: X509Certificate): string {
  return oneLine(subject.split('\n').join(', '));
}

/** @returns lower-case hexadecimal without leading zeros, from the forms that openssl prints */
export function normalizeSerial(text: string): string {
  return text
    .replaceAll(':', '')
    .toLowerCase()
    .replace(/^0+(?=.)/, '');
}

export function entryOf(certificate: X509Certificate, issuedAt: Date): IssuedEntry {
  return {
    serialNumber: normalizeSerial(certificate.serialNumber),
    subject: subjectOf(certificate),
    issuedAt: issuedAt.toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  };
}

/** @throws IdentityError `ERR_FILE_UNREADABLE`: the index cannot be read, or is not one */
export async function readIndex({ index }: CaFiles): Promise<CaIndex> {
  const text = await readTextFileIfThere(index, `index ${index}`, MAX_INDEX_BYTES);
  if (text === undefined) return EMPTY_INDEX;
  const value = parseJson(text);
  if (isIndex(value)) return value;
  throw new IdentityError('ERR_FILE_UNREADABLE', `index ${index} is damaged: it is not the index of a CA`, {
    hint: 'restore it from a backup: without it, revoked certificates would be valid again',
  });
}

export function formatIndex(index: CaIndex): string {
  return `${JSON.stringify(index, undefined, 2)}\n`;
}

/**
 * Replaces the index with the result of `change`, under a lock.
 *
 * @returns the new index
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OutputError `ERR_FILE_WRITE`
 */
export async function changeIndex(files: CaFiles, change: (index: CaIndex) => CaIndex): Promise<CaIndex> {
  const subject = `index ${files.index}`;
  try {
    const place = await openPlace(files.index);
    try {
      const lock = await acquireLock(place.sibling('.index.json.lock'), { waitMs: WAIT_MS, run: place.run });
      if (lock === undefined) throw new FileFault('ERR_LOCKED', 'another process holds its lock');
      try {
        const changed = change(await readIndex(files));
        await writeFileWhole(place, formatIndex(changed), { subject });
        return changed;
      } finally {
        await lock.release();
      }
    } finally {
      place.close();
    }
  } catch (cause) {
    if (isRolesAnywhereError(cause)) throw cause;
    throw writeError(subject, cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isIndex(value: unknown): value is CaIndex {
  if (typeof value !== 'object' || value === null) return false;
  const { version, revocationListNumber, certificates }: Partial<Record<keyof CaIndex, unknown>> = value;
  return (
    version === 1 &&
    Number.isSafeInteger(revocationListNumber) &&
    Array.isArray(certificates) &&
    certificates.every(isEntry)
  );
}

function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const {
    serialNumber,
    subject,
    issuedAt,
    notAfter,
    revokedAt,
  }: Partial<Record<keyof IssuedEntry, unknown>> = value;
  return (
    typeof serialNumber === 'string' &&
    /^[0-9a-f]{1,40}$/.test(serialNumber) &&
    typeof subject === 'string' &&
    isTime(issuedAt) &&
    isTime(notAfter) &&
    (revokedAt === undefined || isTime(revokedAt))
  );
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
