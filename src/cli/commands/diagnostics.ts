/**
 * Flags in, what AWS's Go helper prints about a key or a certificate on stdout out. Neither needs AWS: `sign-string` signs a
 * fixed text, `read-certificate-data` shows what a request would say.
 */
import { OptionError } from '../../errors.js';
import type { SigningHash } from '../../identity/keys/algorithms.js';
import type { LoadContext } from '../../identity/load.js';
import { loadCertificates, loadSigningKey } from '../../identity/load.js';
import type { ChosenValues } from '../../options/choose-values.js';
import { refuseMissing } from '../../options/choose-values.js';
import type { RawValues } from '../../options/values.js';
import { SIGN_STRING_OPTIONS } from '../options/command-options.js';
import { CERTIFICATE_FLAGS, KEY_FLAGS } from '../options/key-flags.js';
import type { StderrLogger } from '../options/options.js';
import { readOptions, valuesOf } from '../options/options.js';
import { askAtTerminal, readPassphrase } from '../options/passphrase.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { formatCertificateData } from './certificate-data.js';
import { testString } from './test-string.js';

export async function signString(values: RawValues, io: Io): Promise<void> {
  const rows = { ...KEY_FLAGS, ...SIGN_STRING_OPTIONS };
  const { chosen, logger } = await readOptions(values, rows, io);
  const { certificate, privateKey, digest, format } = valuesOf(chosen, rows);
  if ((privateKey ?? certificate) === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', `missing ${chosen.privateKey.label}`);
  }
  const source = { certificate, privateKey, ...(await passphraseOf(chosen, io, logger)) };
  const key = await loadSigningKey(source, loadContext(io));
  const signature = Buffer.from(key.sign(testString(key.publicKey), digest.toLowerCase() as SigningHash));
  await print(io.stdout, formatSignature(signature, format));
}

/** Without a line end, as the Go helper prints it. */
function formatSignature(signature: Buffer, format: string): string | Uint8Array {
  if (format === 'bin') return signature;
  const hex = signature.toString('hex');
  return format === 'json' ? JSON.stringify(hex) : hex;
}

export async function readCertificateData(values: RawValues, io: Io): Promise<void> {
  const { chosen, logger } = await readOptions(values, CERTIFICATE_FLAGS, io);
  refuseMissing(CERTIFICATE_FLAGS, chosen);
  const { certificate } = valuesOf(chosen, CERTIFICATE_FLAGS);
  const [first] = await loadCertificates(
    { certificate, ...(await passphraseOf(chosen, io, logger)) },
    loadContext(io),
  );
  // Of several, the helper takes the first.
  if (first !== undefined) await print(io.stdout, formatCertificateData(first));
}

async function passphraseOf(
  chosen: ChosenValues,
  io: Io,
  logger: StderrLogger,
): Promise<{ passphrase: string | undefined }> {
  // It has gone through its row.
  return { passphrase: (await readPassphrase(chosen, io, logger))?.value as string | undefined };
}

function loadContext(io: Io): LoadContext {
  return { askPassphrase: askAtTerminal(), stdin: io.stdin };
}
