/**
 * Chooses the subject that a trust policy is bound to: attributes from flags, or all those of a certificate.
 */
import { OptionError, quote } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import type { SubjectValues } from './ca-commands.js';
import { attributesOf } from './ca-commands.js';
import { parseCertificate } from './ca-folder.js';

/** Attributes that become session tags. Source: the default attribute mapping of profiles. */
const ATTRIBUTES = ['C', 'ST', 'L', 'O', 'OU', 'CN'] as const;

/**
 * @returns attributes by the names of their session tags, `O` or `CN`
 * @throws OptionError `ERR_OPTION_CONFLICT` `ERR_OPTION_MISSING` `ERR_OPTION_INVALID`
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_CERTIFICATE_INVALID`
 */
export async function chooseSubject(
  values: SubjectValues & { readonly certificate: string | undefined },
): Promise<Record<string, string>> {
  const { commonName, certificate } = values;
  const named: Readonly<Record<string, string | undefined>> = { ...attributesOf(values), CN: commonName };
  const given = Object.values(named).filter((value) => value !== undefined).length;
  if (given > 0 && certificate !== undefined) {
    const message =
      '--certificate and the flags of a subject cannot be combined: both say who may assume the role';
    throw new OptionError('ERR_OPTION_CONFLICT', message);
  }
  if (given === 0 && certificate === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', 'missing the subject that may assume the role', {
      hint: 'give --certificate, or attributes such as --organization or --common-name',
    });
  }
  const all = certificate === undefined ? named : await readSubject(certificate);
  const chosen = ATTRIBUTES.flatMap((name) => {
    const value = all[name];
    return value === undefined ? [] : [[name, assertTag(name, value)] as const];
  });
  return Object.fromEntries(chosen);
}

/** Several values of one attribute are joined in the tag, in the order of the certificate. */
async function readSubject(path: string): Promise<Record<string, string | undefined>> {
  const subject = `certificate ${path}`;
  const certificate = parseCertificate((await readTextFile(path, subject)).text, subject);
  const found = Object.entries<unknown>({ ...certificate.toLegacyObject().subject });
  return Object.fromEntries(found.map(([name, value]) => [name, [value].flat().join('/')]));
}

/** Roles Anywhere drops other values: a condition on them would never hold. */
function assertTag(name: string, value: string): string {
  if (/^[\p{L}\p{Z}\p{N}_.:/=+\-@*]{1,256}$/u.test(value)) return value;
  const rule = 'letters, digits, spaces and _ . : / = + - @ *, at most 256';
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `the session tag of ${name} must be ${rule}, found ${quote(value)}`,
    { hint: 'Roles Anywhere drops other values: bind the role to other attributes of the subject' },
  );
}
