/**
 * `rolesanywhere sign-string` signs a fixed text, as AWS's Go helper does: a test of the private key, without
 * AWS.
 */
import { OptionError } from '../../errors.js';
import type { SigningHash } from '../../identity/keys/algorithms.js';
import { loadSigner } from '../../identity/load.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { DEBUG_FLAGS, HELP_FLAGS } from '../options/flags.js';
import { askAtTerminal, readSecrets } from '../options/passphrase.js';
import { readFlagsAndFiles, valuesOf } from '../options/read-flags.js';
import { CONFIG_FLAGS, IDENTITY_FLAGS } from '../options/session-flags.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';
import { formatNotice } from '../terminal/report.js';
import { testString } from './test-string.js';

const FLAGS = {
  digest: {
    flag: 'digest',
    kind: { type: 'pattern', pattern: /^SHA(256|384|512)$/, rule: 'SHA256, SHA384 or SHA512' },
    placeholder: 'DIGEST',
    default: 'SHA256',
    help: 'SHA256, SHA384 or SHA512; no effect on ML-DSA keys',
  },
  format: {
    flag: 'format',
    kind: { type: 'pattern', pattern: /^(json|text|bin)$/, rule: 'json, text or bin' },
    placeholder: 'FORMAT',
    default: 'json',
    help: 'format of the signature: json (hexadecimal in quotes), text (hexadecimal) or bin (bytes)',
  },
} as const satisfies Flags;

const { intermediates: _, ...identity } = IDENTITY_FLAGS;

/** One of certificate and key is enough, so neither is required. */
const KEY_FLAGS = { ...identity, certificate: { ...identity.certificate, required: false }, ...CONFIG_FLAGS };

export const command: Command = {
  flags: { Identity: KEY_FLAGS, 'This command': FLAGS, Output: { ...DEBUG_FLAGS, ...HELP_FLAGS } },
  example: '--private-key host.key --format text',
  run,
};

async function run(args: Arguments, io: Io): Promise<void> {
  const flags = { ...KEY_FLAGS, ...FLAGS };
  const { choices, logger } = await readFlagsAndFiles(args, flags, io);
  const { certificate, privateKey, digest, format } = valuesOf(choices, flags);
  if ((privateKey ?? certificate) === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', `missing ${choices.privateKey.label}`);
  }
  const secrets = Object.entries(await readSecrets(choices, io, logger));
  const { pkcs11Module, reusePin, tpmDevice, signCommand } = valuesOf(choices, flags);
  const source = {
    ...{ certificate, privateKey, pkcs11Module, reusePin, tpmDevice, signCommand },
    ...Object.fromEntries(secrets.map(([name, { value }]) => [name, value])),
  };
  const notify = (message: string): void => say(io.stderr, formatNotice(programNameOf(io), message));
  const context = {
    askPassphrase: askAtTerminal(),
    stdin: io.stdin,
    env: io.env,
    notify,
    unbroken: io.unbroken,
  };
  const { publicKey, sign } = await loadSigner(source, context);
  const signature = Buffer.from(await sign(testString(publicKey), digest.toLowerCase() as SigningHash));
  await print(io.stdout, formatSignature(signature, format));
}

/** Without a line end, as the Go helper prints it. */
function formatSignature(signature: Buffer, format: string): string | Uint8Array {
  if (format === 'bin') return signature;
  const hex = signature.toString('hex');
  return format === 'json' ? JSON.stringify(hex) : hex;
}
