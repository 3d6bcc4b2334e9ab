/**
 * Flags of AWS's Go helper (`aws_signing_helper`) for keys that are not in files. They are known here, so that a line
 * written for it is understood; each has the reason why it is of no use. Beside them, which flags exclude which.
 */
import { OptionError } from '../../errors.js';
import type { OptionRow, OptionRows } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';

const NO_STORE =
  'names a certificate in the store of Windows or macOS, which a Node.js program cannot use: export certificate and key to files, and name them with --certificate and --private-key';
const NO_TOKEN =
  'is for keys in a PKCS#11 token, which are not supported yet: use --certificate and --private-key with files';
const NO_TPM =
  'is for keys in a TPM, which are not supported yet: use --certificate and --private-key with files';

/** With the names that the commands know them by. */
export const HELPER_OPTIONS = {
  certSelector: {
    flag: 'cert-selector',
    kind: { type: 'text' },
    placeholder: 'SELECTOR',
    refused: NO_STORE,
    help: "certificate in the system's store: checked, then refused, since Node.js cannot reach such keys",
  },
  systemStoreName: {
    flag: 'system-store-name',
    kind: { type: 'text' },
    placeholder: 'NAME',
    refused: NO_STORE,
    help: 'store of Windows to search: refused, as --cert-selector',
  },
  useLatestExpiringCertificate: {
    flag: 'use-latest-expiring-certificate',
    kind: { type: 'boolean' },
    refused: NO_STORE,
    help: 'choice among several certificates of a store: refused, as --cert-selector',
  },
  pkcs11Lib: {
    flag: 'pkcs11-lib',
    kind: { type: 'path' },
    placeholder: 'FILE',
    refused: NO_TOKEN,
    help: 'library of a PKCS#11 token: refused, tokens are not supported yet',
  },
  reusePin: {
    flag: 'reuse-pin',
    kind: { type: 'boolean' },
    refused: NO_TOKEN,
    help: 'one PIN for login and signing: refused, as --pkcs11-lib',
  },
  tpmKeyPassword: {
    flag: 'tpm-key-password',
    kind: { type: 'text' },
    placeholder: 'TEXT',
    secret: true,
    refused: NO_TPM,
    help: 'password of a key in a TPM: refused, TPMs are not supported yet',
  },
  noTpmKeyPassword: {
    flag: 'no-tpm-key-password',
    kind: { type: 'boolean' },
    refused: NO_TPM,
    help: 'the key in a TPM has no password: refused, as --tpm-key-password',
  },
} as const satisfies Record<string, OptionRow>;

/** Pairs of flags that the Go helper does not take together. */
const HELPER_EXCLUSIONS: ReadonlyArray<readonly [string, string]> = [
  ['certificate', 'cert-selector'],
  ['certificate', 'system-store-name'],
  ['private-key', 'cert-selector'],
  ['private-key', 'system-store-name'],
  ['private-key', 'use-latest-expiring-certificate'],
  ['use-latest-expiring-certificate', 'intermediates'],
  ['use-latest-expiring-certificate', 'reuse-pin'],
  ['cert-selector', 'intermediates'],
  ['cert-selector', 'reuse-pin'],
  ['cert-selector', 'tpm-key-password'],
  ['cert-selector', 'no-tpm-key-password'],
  ['system-store-name', 'reuse-pin'],
  ['tpm-key-password', 'reuse-pin'],
  ['tpm-key-password', 'no-tpm-key-password'],
  ['tpm-key-password', 'pkcs8-password'],
];

/** Schemes in which the Go helper takes keys and certificates that are not in files. */
const REFERENCES: ReadonlyArray<readonly [scheme: RegExp, reason: string]> = [
  [/^pkcs11:/, 'names an object of a PKCS#11 token'],
  [/^handle:0x/i, 'names a key in a TPM'],
];

/**
 * @param values flags as they were given, by option name
 * @throws OptionError `ERR_OPTION_CONFLICT`: two flags that exclude each other, as in the helper also where one is empty
 *   or false
 */
export function refuseExclusions(values: RawValues, rows: OptionRows): void {
  const given = new Set(Object.keys(values).map((name) => rows[name]?.flag));
  const pair = HELPER_EXCLUSIONS.find(([one, other]) => given.has(one) && given.has(other));
  if (pair === undefined) return;
  throw new OptionError('ERR_OPTION_CONFLICT', `--${pair[0]} and --${pair[1]} exclude each other`);
}

/** @throws OptionError `ERR_OPTION_INVALID`: a key or certificate that is not in a file */
export function refuseReference(value: unknown, label: string): void {
  const text = typeof value === 'string' ? value : '';
  const reason = REFERENCES.find(([scheme]) => scheme.test(text))?.[1];
  if (reason === undefined) return;
  throw new OptionError('ERR_OPTION_INVALID', `${label} ${reason}, which is not supported yet`, {
    hint: 'use a certificate and a key in files',
  });
}
