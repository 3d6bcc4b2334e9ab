/**
 * The flags of AWS's Go helper (`aws_signing_helper`) for certificate stores, and the pairs of flags that it
 * refuses. A command line written for the helper works here too, except for keys in a store.
 */
import { OptionError } from '../../errors.js';
import type { Flags } from './flags.js';

const NO_STORE =
  'names a certificate in the store of Windows or macOS, which a Node.js program cannot use: export ' +
  'certificate and key to files, or sign with a program that reaches the store (--sign-command; ' +
  'examples/signers has one for each system)';

/** Keys in a certificate store. */
export const STORE_FLAGS = {
  certSelector: {
    flag: 'cert-selector',
    kind: { type: 'text' },
    placeholder: 'SELECTOR',
    refused: NO_STORE,
    help: "certificate in the system's store: checked, then refused, since Node.js cannot use such keys",
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
} as const satisfies Flags;

/** Pairs of flags that the Go helper refuses together. */
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

/**
 * @param given values by option name; as in the helper, an empty or false one counts as given
 * @throws OptionError `ERR_OPTION_CONFLICT`
 */
export function assertCompatible(given: object, flags: Flags): void {
  const names = new Set(Object.keys(given).map((name) => flags[name]?.flag));
  const pair = HELPER_EXCLUSIONS.find(([one, other]) => names.has(one) && names.has(other));
  if (pair === undefined) return;
  throw new OptionError('ERR_OPTION_CONFLICT', `--${pair[0]} and --${pair[1]} exclude each other`);
}
