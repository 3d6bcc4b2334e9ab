/**
 * `rolesanywhere keys list` shows the tokens of a PKCS#11 module, their certificates and keys, and the URI of
 * each.
 */
import { X509Certificate } from 'node:crypto';
import { oneLine } from '../../errors.js';
import type { ListedToken } from '../../identity/pkcs11/list.js';
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

const { pkcs11Module, pkcs11Pin, pkcs11PinFile } = IDENTITY_FLAGS;
const TOKEN_FLAGS = { pkcs11Module, pkcs11Pin, pkcs11PinFile, ...CONFIG_FLAGS };

const FLAGS = {
  uri: {
    flag: 'uri',
    kind: { type: 'text' },
    placeholder: 'URI',
    help: 'objects to list, as a PKCS#11 URI such as pkcs11:token=host; default: everything',
  },
  login: {
    flag: 'login',
    kind: { type: 'boolean' },
    default: false,
    help: 'log in to each token with its PIN: most tokens list private keys only after a login',
  },
} as const satisfies Flags;

export const listCommand: Command = {
  flags: { Token: TOKEN_FLAGS, 'This command': FLAGS, Output: { ...DEBUG_FLAGS, ...HELP_FLAGS } },
  example: '--login --pkcs11-lib /usr/lib/softhsm/libsofthsm2.so',
  run,
};

async function run(args: Arguments, io: Io): Promise<void> {
  const flags = { ...TOKEN_FLAGS, ...FLAGS };
  const { choices, logger } = await readFlagsAndFiles(args, flags, io);
  const { pkcs11Pin: pin } = await readSecrets(choices, io, logger);
  const { pkcs11Module: module, login, uri } = valuesOf(choices, flags);
  const ask = askAtTerminal();
  const { listTokens } = await import('../../identity/pkcs11/list.js');
  const tokens = await listTokens({
    ...{ module, env: io.env, pin: pin?.value },
    uri: uri === undefined ? undefined : { text: uri, label: choices.uri.label },
    askPin: login ? (subject) => ask(`PIN of ${subject}`, 0) : undefined,
    notify: (message) => say(io.stderr, formatNotice(programNameOf(io), message)),
  });
  await print(io.stdout, tokens.length === 0 ? 'no token\n' : tokens.map(formatToken).join('\n'));
  const failed = tokens.find(({ failure }) => failure !== undefined);
  if (failed?.failure !== undefined) throw failed.failure;
}

function formatToken({
  label,
  model,
  manufacturer,
  serial,
  certificates,
  keys,
  failure,
}: ListedToken): string {
  return [
    `token "${oneLine(label)}" ` +
      `(${oneLine([manufacturer, model, `serial ${serial}`].filter(Boolean).join(', '))})`,
    ...(failure === undefined ? [] : [`  not logged in: ${oneLine(failure.message)}`]),
    ...certificates.flatMap(({ uri, der }) => [`  certificate ${describeCertificate(der)}`, `    ${uri}`]),
    ...keys.flatMap(({ uri, type, label: name }) => [`  ${type} key "${oneLine(name)}"`, `    ${uri}`]),
    '',
  ].join('\n');
}

function describeCertificate(der: Buffer): string {
  try {
    const { subject, validTo } = new X509Certificate(der);
    return oneLine(
      `${subject.split('\n').join(', ')}, until ${new Date(validTo).toISOString().slice(0, 10)}`,
    );
  } catch {
    return 'that cannot be read';
  }
}
