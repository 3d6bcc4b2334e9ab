/**
 * `rolesanywhere read-certificate-data` prints subject, issuer, serial number and algorithms of a
 * certificate, as AWS's Go helper does.
 */
import { isReference } from '../../identity/identity-source.js';
import { loadCertificates } from '../../identity/load.js';
import { assertRequired } from '../../options/choose-values.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { DEBUG_FLAGS, HELP_FLAGS } from '../options/flags.js';
import { askAtTerminal, readSecrets } from '../options/passphrase.js';
import { readFlagsAndFiles, valuesOf } from '../options/read-flags.js';
import { CONFIG_FLAGS, IDENTITY_FLAGS } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { formatCertificateData, formatMatching } from './certificate-data.js';

const { certificate, passphrase, passphraseFile, pkcs12PasswordFile } = IDENTITY_FLAGS;
const { certSelector, systemStoreName, pkcs11Module, pkcs11Pin, pkcs11PinFile } = IDENTITY_FLAGS;

/** The passphrase is for PKCS#12 files, which the helper does not read here. */
const FLAGS = {
  ...{ certificate, passphrase, passphraseFile, pkcs12PasswordFile },
  ...{ certSelector, systemStoreName, pkcs11Module, pkcs11Pin, pkcs11PinFile },
  ...CONFIG_FLAGS,
};

export const command: Command = {
  flags: { Identity: FLAGS, Output: { ...DEBUG_FLAGS, ...HELP_FLAGS } },
  example: '--certificate host.pem',
  run,
};

async function run(args: Arguments, io: Io): Promise<void> {
  const { choices, logger } = await readFlagsAndFiles(args, FLAGS, io);
  assertRequired(FLAGS, choices);
  const secrets = await readSecrets(choices, io, logger);
  const values = valuesOf(choices, FLAGS);
  if (isReference(values.certificate)) {
    const pin = secrets.pkcs11Pin?.value;
    return print(io.stdout, await listMatching(values.certificate, values.pkcs11Module, pin, io));
  }
  const source = { certificate: values.certificate, passphrase: secrets.passphrase?.value };
  const context = { askPassphrase: askAtTerminal(), stdin: io.stdin };
  // Of several, the helper takes the first.
  const [first] = await loadCertificates(source, context);
  if (first !== undefined) await print(io.stdout, formatCertificateData(first));
}

/** The certificates of tokens that a URI matches, as the helper lists them. */
async function listMatching(
  uri: string,
  module: string | undefined,
  pin: string | undefined,
  io: Io,
): Promise<string> {
  const { listTokens } = await import('../../identity/pkcs11/list.js');
  const tokens = await listTokens({
    ...{ module, env: io.env, pin },
    uri: { text: uri, label: '--certificate' },
    notify: () => undefined,
  });
  return formatMatching(tokens.flatMap(({ certificates }) => certificates));
}
