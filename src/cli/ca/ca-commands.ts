/** The subcommands of `ca`, after their flags are parsed. The clock is a parameter. */
import { X509Certificate } from 'node:crypto';
import type { Authority, IssuedCertificate } from '../../authority/authority.js';
import { createRoot, openAuthority } from '../../authority/authority.js';
import type { AuthorityKeyType } from '../../authority/keys.js';
import type { RevocationReason, SubjectAttributes } from '../../authority/options.js';
import { readRequest } from '../../authority/read-request.js';
import { createRequest } from '../../authority/request.js';
import { IdentityError, OptionError, oneLine, quote } from '../../errors.js';
import type { NewFile } from '../../files/create-files.js';
import { assertAbsent, createFiles } from '../../files/create-files.js';
import { readTextFile, readTextFileIfThere, readTextStream } from '../../files/read-file.js';
import { writeError } from '../../files/write-file.js';
import { openPlace } from '../../files/write-place.js';
import type { Io } from '../terminal/io.js';
import type { CaFolder } from './ca-folder.js';
import {
  caFilesOf,
  changeIndex,
  EMPTY_INDEX,
  entryOf,
  formatIndex,
  normalizeSerial,
  parseCertificate,
  readCaFolder,
  readIndex,
  subjectOf,
} from './ca-folder.js';
import type { PassphraseFile } from './ca-key.js';
import { choosePassphrase, protect, readPrivateKey, warn } from './ca-key.js';
import { parseNames } from './san.js';

export interface CaValues {
  readonly caFolder: string;
  readonly caPassphraseFile: string | undefined;
}

export interface SubjectValues {
  readonly commonName: string | undefined;
  readonly organization: string | undefined;
  readonly organizationalUnit: string | undefined;
  readonly locality: string | undefined;
  readonly state: string | undefined;
  readonly country: string | undefined;
}

export interface KeyValues {
  /** Validated by its kind. */
  readonly keyType: string;
  readonly encrypt: boolean;
}

export interface OutValues {
  readonly out: string | undefined;
  readonly force: boolean;
}

export interface LeafValues {
  readonly san: readonly string[] | undefined;
  readonly days: number;
}

/** The context of a run. */
export interface CaContext {
  readonly io: Io;
  readonly now: () => Date;
  /** Whether the user gave the number of days. */
  readonly hasDays: boolean;
}

const DAY_MS = 86_400_000;
/** As the authority does. */
const BACKDATED_MS = 300_000;
const PUBLIC = 0o644;
const SECRET = 0o600;

export interface InitValues extends CaValues, SubjectValues, KeyValues {
  readonly days: number;
  readonly parent: string | undefined;
  readonly parentPassphraseFile: string | undefined;
  readonly pathLength: number | undefined;
}

/** Makes a root CA, or an intermediate one below the CA in `parent`. @returns what to print */
export async function initCa(values: InitValues, context: CaContext): Promise<string> {
  const { caFolder, parent, pathLength } = values;
  const files = caFilesOf(caFolder);
  if (parent === undefined && pathLength !== undefined) {
    throw new OptionError('ERR_OPTION_CONFLICT', '--path-length needs --parent: a root CA has no limit');
  }
  const hint = 'a CA is never overwritten: name another --ca-folder';
  const all = [files.privateKey, files.certificate, files.index, files.chain, files.root];
  assertAbsent(
    all.map((path) => ({ path })),
    { hint },
  );
  const { issued, chain, root, beforeCommit } = await makeCa(values, context);
  const file = { path: values.caPassphraseFile, flag: 'ca-passphrase-file' };
  const passphrase = await choosePassphrase(files.privateKey, file, values.encrypt, context.io);
  const isRoot = root === undefined;
  const encrypted = passphrase === undefined ? 'not encrypted' : 'encrypted';
  await makeFolderFor(files.certificate, caFolder);
  await createFiles(
    [
      { path: files.privateKey, content: protect(issued.privateKey, passphrase), mode: SECRET },
      { path: files.certificate, content: issued.certificate, mode: PUBLIC },
      { path: files.index, content: formatIndex(EMPTY_INDEX), mode: SECRET },
      ...(isRoot ? [] : [{ path: files.chain, content: issued.certificate + chain, mode: PUBLIC }]),
      ...(isRoot ? [] : [{ path: files.root, content: root, mode: PUBLIC }]),
    ],
    { hint, beforeCommit },
  );
  return [
    `${files.certificate}: ${describe(issued.certificate)}`,
    `${files.privateKey}: its private key, ${encrypted}: keep it secret`,
    '',
  ].join('\n');
}

/** As the user whose folder it is made in. @throws OutputError `ERR_FILE_WRITE` */
async function makeFolderFor(path: string, folder: string): Promise<void> {
  try {
    (await openPlace(path, { makesFolder: true })).close();
  } catch (cause) {
    throw writeError(`folder ${folder}`, cause);
  }
}

interface MadeCa {
  readonly issued: IssuedCertificate;
  readonly chain: string;
  /** Undefined for a root CA. */
  readonly root: string | undefined;
  /** Records the certificate in the index of the CA that has issued it. */
  readonly beforeCommit: (() => Promise<void>) | undefined;
}

async function makeCa(values: InitValues, context: CaContext): Promise<MadeCa> {
  const { parent, parentPassphraseFile, pathLength } = values;
  const asked = { ...nameOptions(values), keyType: keyTypeOf(values) };
  if (parent === undefined) {
    const issued = await createRoot({ ...asked, days: values.days, now: context.now });
    return { issued, chain: '', root: undefined, beforeCommit: undefined };
  }
  const above = await readCaFolder(parent);
  const days = daysWithin(above, values.days, context);
  const file = { path: parentPassphraseFile, flag: 'parent-passphrase-file' };
  const authority = await openCa(above, file, context);
  const issued = await authority.issueIntermediate({ ...asked, days, pathLength });
  const beforeCommit = () => record(above, issued.certificate, context);
  return { issued, chain: above.chain, root: above.root, beforeCommit };
}

export interface IssueValues extends CaValues, SubjectValues, KeyValues, OutValues, LeafValues {
  readonly passphraseFile: string | undefined;
}

/** Makes a key and a certificate for it. @returns what to print */
export async function issueCertificate(values: IssueValues, context: CaContext): Promise<string> {
  const out = outOf(values.out ?? fileNameOf(values.commonName));
  const options = replacing(values);
  if (!values.force) assertAbsent([{ path: `${out}.pem` }, { path: `${out}.key` }], options);
  const names = parseNames(values.san);
  const ca = await readCaFolder(values.caFolder);
  const days = daysWithin(ca, values.days, context);
  const authority = await openCa(ca, caPassphrase(values), context);
  const asked = { ...nameOptions(values), ...names, keyType: keyTypeOf(values), days };
  const { certificate, privateKey } = await authority.issue(asked);
  const passphrase = await newKeyPassphrase(`${out}.key`, values, context);
  await createFiles(
    [
      { path: `${out}.key`, content: protect(privateKey, passphrase), mode: SECRET },
      { path: `${out}.pem`, content: certificate + ca.chain, mode: PUBLIC },
    ],
    { ...options, beforeCommit: () => record(ca, certificate, context) },
  );
  return `${out}.pem: ${describe(certificate)}\n${out}.key: its private key\n`;
}

export interface RequestValues extends SubjectValues, KeyValues, OutValues {
  readonly san: readonly string[] | undefined;
  readonly passphraseFile: string | undefined;
  readonly privateKey: string | undefined;
}

/** Makes a certificate request, and a key unless there is one. @returns what to print */
export async function makeRequest(values: RequestValues, context: CaContext): Promise<string> {
  const out = outOf(values.out ?? fileNameOf(values.commonName));
  const { privateKey: keyFile } = values;
  const options = replacing(values);
  const paths = keyFile === undefined ? [`${out}.csr`, `${out}.key`] : [`${out}.csr`];
  if (!values.force) {
    assertAbsent(
      paths.map((path) => ({ path })),
      options,
    );
  }
  const file = { path: values.passphraseFile, flag: 'passphrase-file' };
  const own = keyFile === undefined ? undefined : await readPrivateKey(keyFile, file, context.io);
  const asked = { ...nameOptions(values), ...parseNames(values.san), keyType: keyTypeOf(values) };
  const made = await createRequest({ ...asked, privateKey: own });
  const files: NewFile[] = [{ path: `${out}.csr`, content: made.request, mode: PUBLIC }];
  if (made.privateKey !== undefined) {
    const passphrase = await newKeyPassphrase(`${out}.key`, values, context);
    files.unshift({ path: `${out}.key`, content: protect(made.privateKey, passphrase), mode: SECRET });
  }
  await createFiles(files, options);
  const key = keyFile === undefined ? `${out}.key: its private key\n` : '';
  const { subject, hosts = [], uris = [] } = await readRequest(made.request);
  const names = hosts.length + uris.length === 0 ? '' : ` (${[...hosts, ...uris].join(', ')})`;
  return `${out}.csr: certificate request of ${oneLine(subject.toString())}${names}\n${key}`;
}

export type SignValues = CaValues & SubjectValues & OutValues & LeafValues;

/** Signs a certificate request; `-` reads it from standard input. @returns what to print */
export async function signRequest(request: string, values: SignValues, context: CaContext): Promise<string> {
  const isPipe = request === '-' && values.out === undefined;
  const path = `${outOf(values.out ?? request.replace(/\.(csr|req|pem)$/, ''))}.pem`;
  const options = replacing(values);
  if (!isPipe && !values.force) assertAbsent([{ path }], options);
  const names = parseNames(values.san);
  const subject = `certificate request ${request}`;
  const pem =
    request === '-'
      ? await readTextStream(context.io.stdin(), 'the certificate request from standard input')
      : (await readTextFile(request, subject)).text;
  const ca = await readCaFolder(values.caFolder);
  const days = daysWithin(ca, values.days, context);
  const authority = await openCa(ca, caPassphrase(values), context);
  const certificate = await authority.sign(pem, { ...subjectOptions(values), ...names, days });
  if (isPipe) {
    await record(ca, certificate, context);
    return certificate + ca.chain;
  }
  await createFiles([{ path, content: certificate + ca.chain, mode: PUBLIC }], {
    ...options,
    beforeCommit: () => record(ca, certificate, context),
  });
  return `${path}: ${describe(certificate)}\n`;
}

/** Marks a certificate as revoked, for the next list. @returns what to print */
export async function revokeCertificate(
  named: string,
  caFolder: string,
  reason: RevocationReason,
  now: Date,
): Promise<string> {
  const ca = await readCaFolder(caFolder);
  const serial = normalizeSerial(named);
  const known = (await readIndex(ca.files)).certificates.some(({ serialNumber }) => serialNumber === serial);
  const entry = known ? undefined : await readIssued(named, ca);
  const serialNumber = entry?.serialNumber ?? serial;
  let revokedBefore = '';
  await changeIndex(ca.files, (index) => {
    const { certificates } = index;
    const isListed = certificates.some((one) => one.serialNumber === serialNumber);
    const all = isListed || entry === undefined ? certificates : [...certificates, entry];
    revokedBefore = all.find((one) => one.serialNumber === serialNumber)?.revokedAt ?? '';
    if (revokedBefore !== '') return index;
    const revoked = { revokedAt: now.toISOString(), reason };
    return {
      ...index,
      certificates: all.map((one) => (one.serialNumber === serialNumber ? { ...one, ...revoked } : one)),
    };
  });
  if (revokedBefore !== '') return `${serialNumber} was revoked on ${revokedBefore}\n`;
  return `${serialNumber} is revoked: publish the new list (ca crl)\n`;
}

/** A certificate of this CA that the index may lack, since another program has issued it. */
async function readIssued(path: string, { certificate: own }: CaFolder) {
  const subject = `certificate ${path}`;
  const text = await readTextFileIfThere(path, subject);
  if (text === undefined) {
    const what = /^[0-9A-Fa-f:]+$/.test(path) ? 'file, and no serial number of the index,' : 'file';
    throw new IdentityError('ERR_FILE_UNREADABLE', `there is no ${what} ${quote(path)}`, {
      hint: 'name a certificate of this CA by its file or its serial number (ca show)',
    });
  }
  const certificate = parseCertificate(text, subject);
  const issuer = new X509Certificate(own);
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
    const message = `${subject} was not issued by this CA (${subjectOf(issuer)})`;
    throw new IdentityError('ERR_CHAIN_BROKEN', message, { hint: 'name the folder of its CA: --ca-folder' });
  }
  return entryOf(certificate, new Date(certificate.validFrom));
}

export interface ListValues extends CaValues, OutValues {
  readonly days: number;
}

/** Makes the list of all revoked certificates. @returns what to print */
export async function makeRevocationList(values: ListValues, context: CaContext): Promise<string> {
  const ca = await readCaFolder(values.caFolder);
  const path = values.out ?? ca.files.revocationList;
  const isPipe = path === '-';
  if (!isPipe && !values.force) await assertRevocationList(path);
  const authority = await openCa(ca, caPassphrase(values), context);
  const index = await changeIndex(ca.files, (old) => ({
    ...old,
    revocationListNumber: old.revocationListNumber + 1,
  }));
  const revocations = index.certificates.flatMap(({ serialNumber, revokedAt, reason }) =>
    revokedAt === undefined ? [] : [{ serialNumber, revokedAt: new Date(revokedAt), reason }],
  );
  const { revocationListNumber: number } = index;
  const list = await authority.issueRevocationList({ revocations, number, days: values.days });
  if (isPipe) return list;
  await createFiles([{ path, content: list, mode: PUBLIC }], { replaces: true });
  const end = new Date(context.now().getTime() + values.days * DAY_MS).toISOString().slice(0, 10);
  return `${path}: list ${number}, ${revocations.length} revoked, the next is due on ${end}\n`;
}

/** An older list is replaced; any other file is not. */
async function assertRevocationList(path: string): Promise<void> {
  const text = await readTextFileIfThere(path, `file ${path}`);
  if (text === undefined || /^-----BEGIN X509 CRL-----/.test(text)) return;
  assertAbsent([{ path }], { hint: 'it is not a revocation list; --force replaces it' });
}

async function openCa(ca: CaFolder, file: PassphraseFile, context: CaContext): Promise<Authority> {
  const privateKey = await readPrivateKey(ca.files.privateKey, file, context.io);
  return await openAuthority({ certificate: ca.certificate, privateKey, now: context.now });
}

function caPassphrase({ caPassphraseFile }: CaValues): PassphraseFile {
  return { path: caPassphraseFile, flag: 'ca-passphrase-file' };
}

async function newKeyPassphrase(
  path: string,
  { passphraseFile, encrypt }: { readonly passphraseFile: string | undefined; readonly encrypt: boolean },
  { io }: CaContext,
): Promise<string | undefined> {
  return await choosePassphrase(path, { path: passphraseFile, flag: 'passphrase-file' }, encrypt, io);
}

/** Before the file appears: a certificate that is not in the index could not be revoked by its number. */
async function record(ca: CaFolder, pem: string, { now }: CaContext): Promise<void> {
  const entry = entryOf(new X509Certificate(pem), now());
  await changeIndex(ca.files, (index) => ({ ...index, certificates: [...index.certificates, entry] }));
}

/** Limits the validity to that of the CA's certificate: a certificate is useless after its CA has expired. */
function daysWithin({ certificate, files }: CaFolder, days: number, { io, now, hasDays }: CaContext): number {
  const end = new Date(new X509Certificate(certificate).validTo);
  const most = Math.floor((end.getTime() - now().getTime() + BACKDATED_MS) / DAY_MS);
  if (most < 1) {
    const ends = end.toISOString();
    const message = `CA certificate ${files.certificate} expires in less than a day, on ${ends}`;
    throw new IdentityError('ERR_CERTIFICATE_EXPIRED', message, { hint: 'make a new CA with ca init' });
  }
  if (days > most && hasDays) warn(io, `${most} days instead of ${days}: the CA's certificate expires then`);
  return Math.min(days, most);
}

function replacing({ force }: OutValues) {
  return { replaces: force, hint: 'name other files with --out, or replace them with --force' };
}

/** `--out host.pem` means `host.pem` and `host.key`. */
function outOf(out: string): string {
  return out.replace(/\.pem$/, '');
}

function fileNameOf(commonName = ''): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(commonName)) return commonName;
  const message = `missing --out: the common name ${quote(commonName)} cannot be a file name`;
  throw new OptionError('ERR_OPTION_MISSING', message);
}

function nameOptions(values: SubjectValues): { commonName: string; subject: SubjectAttributes } {
  return { commonName: values.commonName ?? '', subject: attributesOf(values) };
}

/** Absent attributes leave those of a request as they are. */
function subjectOptions(values: SubjectValues) {
  const subject = attributesOf(values);
  if (values.commonName === undefined && Object.keys(subject).length > 0) {
    throw new OptionError(
      'ERR_OPTION_MISSING',
      "missing --common-name: the request's subject is replaced as a whole",
    );
  }
  return values.commonName === undefined ? {} : { commonName: values.commonName, subject };
}

/** By the names that certificates and session tags have for them. */
export function attributesOf(values: SubjectValues): SubjectAttributes {
  const all = {
    C: values.country,
    ST: values.state,
    L: values.locality,
    O: values.organization,
    OU: values.organizationalUnit,
  };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== undefined));
}

function keyTypeOf({ keyType }: KeyValues): AuthorityKeyType {
  return keyType as AuthorityKeyType;
}

function describe(pem: string): string {
  const certificate = new X509Certificate(pem);
  const { subjectAltName, validTo, serialNumber } = certificate;
  const names = subjectAltName === undefined ? '' : ` (${subjectAltName})`;
  const end = new Date(validTo).toISOString().slice(0, 10);
  const serial = normalizeSerial(serialNumber);
  return `certificate of ${subjectOf(certificate)}${names}, serial number ${serial}, until ${end}`;
}
