/** `rolesanywhere read-certificate-data` prints what a request says about a certificate, as AWS's Go helper does. */
import { loadCertificates } from '../../identity/load.js';
import { assertRequired } from '../../options/choose-values.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { DEBUG_FLAGS, HELP_FLAGS } from '../options/flags.js';
import { askAtTerminal, readPassphrase } from '../options/passphrase.js';
import { readFlagsAndFiles, valuesOf } from '../options/read-flags.js';
import { CONFIG_FLAGS, IDENTITY_FLAGS } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { formatCertificateData } from './certificate-data.js';

const { certificate, passphrase, passphraseFile, pkcs12PasswordFile } = IDENTITY_FLAGS;
const { certSelector, systemStoreName, pkcs11Module } = IDENTITY_FLAGS;

/** The passphrase is for PKCS#12 files, which the helper does not read here. */
const FLAGS = {
  ...{ certificate, passphrase, passphraseFile, pkcs12PasswordFile },
  ...{ certSelector, systemStoreName, pkcs11Module },
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
  const source = {
    certificate: valuesOf(choices, FLAGS).certificate,
    passphrase: (await readPassphrase(choices, io, logger))?.value,
  };
  const context = { askPassphrase: askAtTerminal(), stdin: io.stdin };
  // Of several, the helper takes the first.
  const [first] = await loadCertificates(source, context);
  if (first !== undefined) await print(io.stdout, formatCertificateData(first));
}
