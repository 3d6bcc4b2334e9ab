/**
 * Reads the certificate authorities that a machine trusts besides the ones a connection starts with: Node's
 * list, `NODE_EXTRA_CA_CERTS`, and the store of the operating system with `SSL_CERT_FILE` and `SSL_CERT_DIR`,
 * as OpenSSL and Go read them. A file of its own, since it is loaded only after a handshake that failed for
 * an unknown authority.
 */
import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { readTextFile } from '../files/read-file.js';
import { builtin } from '../options/environment.js';
import type { Connection } from './settings.js';

/** The store of the system on the usual distributions of Linux and on BSD. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** A folder of a store has some hundred files. */
const MAX_FILES = 2000;

/** As in the types of Node 24; those of Node 20 do not have it. */
type GetCertificates = (type: 'default' | 'system') => string[];

/** @returns PEM texts, each of one or more certificates */
export async function furtherAuthorities({
  extraFile,
  file,
  folders,
}: Connection['trust']): Promise<string[]> {
  const tls = builtin('node:tls');
  // Node 22.15, 23.10 and later know the store of the system, and NODE_EXTRA_CA_CERTS as part of their
  // defaults.
  const get = 'getCACertificates' in tls ? (tls.getCACertificates as GetCertificates) : undefined;
  const own = get === undefined ? tls.rootCertificates : [...get('default'), ...get('system')];
  const texts: string[] = [];
  // One after the other: a folder may have more files than a process may open.
  for (const path of [
    extraFile,
    ...(file === undefined ? SYSTEM_FILES : [file]),
    ...(await filesIn(folders)),
  ]) {
    texts.push(await readIfThere(path));
  }
  return [...own, ...texts.filter((text) => text.includes('-----BEGIN '))];
}

async function filesIn(folders: string | undefined): Promise<string[]> {
  const names = (folders ?? '').split(delimiter).filter((folder) => folder !== '');
  const lists = names.map(async (folder) =>
    (await readdir(folder).catch(() => [])).slice(0, MAX_FILES).map((name) => join(folder, name)),
  );
  return (await Promise.all(lists)).flat();
}

/** Empty if it cannot be read: a store that is missing decides nothing. */
async function readIfThere(path: string | undefined): Promise<string> {
  if (path === undefined) return '';
  return readTextFile(path, path).then(
    ({ text }) => text,
    () => '',
  );
}
