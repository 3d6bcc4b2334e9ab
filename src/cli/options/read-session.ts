/** Reads the settings of a session, and a command's own options, from flags, environment and files. */
import type { SourceContext } from '../../credentials/session-source.js';
import { isPublicPath } from '../../files/read-file.js';
import type { IdentitySource, InputName } from '../../identity/identity-source.js';
import type { Choices } from '../../options/choose-values.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Settings } from '../../session/settings.js';
import { settingsFrom } from '../../session/settings.js';
import type { Arguments } from '../arguments.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatNotice } from '../terminal/report.js';
import type { Flags } from './flags.js';
import { askAtTerminal, readSecrets } from './passphrase.js';
import type { StderrLogger, WarnOptions } from './read-flags.js';
import { readFlagsAndFiles, valuesOf } from './read-flags.js';
import { readRoleChain, toLibraryNames } from './role-chain.js';
import { changeRole } from './role-variant.js';
import { ALL_SESSION_FLAGS, IDENTITY_FLAGS } from './session-flags.js';

export interface SessionInputs<Own extends Flags> {
  readonly settings: Settings;
  /** For `openSessionSource`: the cache, a logger that writes to stderr, and the question for a passphrase. */
  readonly context: Omit<SourceContext, 'now'> & { readonly logger: StderrLogger };
  /** The values of the command's own flags. */
  readonly options: ValuesOf<Own>;
  /** The values of the session's options, validated one by one, with their sources. */
  readonly choices: Choices<keyof typeof ALL_SESSION_FLAGS | 'verifyTls'>;
  /**
   * The settings of another role of the same machine.
   *
   * @param changes values by flag, as in a configuration file
   * @throws OptionError `ERR_OPTION_*`
   */
  settingsWith(changes: unknown, subject: string): Settings;
}

/** The name of an input of the identity in messages. */
export function flagOf(name: InputName): string {
  return `--${IDENTITY_FLAGS[name].flag}`;
}

/** The values of a session's options, validated one by one. */
export type SessionChoices<Own extends Flags> = Pick<SessionInputs<Own>, 'choices' | 'context' | 'options'>;

/**
 * @param own the command's own flags
 * @throws OptionError `ERR_OPTION_*`
 * @throws IdentityError `ERR_FILE_UNREADABLE`: a file that holds options
 */
export async function readSession<Own extends Flags>(
  args: Arguments,
  own: Own,
  io: Io,
  warnOptions: WarnOptions = {},
): Promise<SessionInputs<Own>> {
  const { env } = io;
  const { choices, context, options } = await readSessionChoices(args, own, io, warnOptions);
  const settings = settingsFrom(choices, { env });
  if (!context.logger.isQuiet) await warnOfPublicKey(settings.source, context.logger);
  return {
    settings,
    settingsWith: (changes, subject) => {
      const changed = changeRole(choices, changes, subject);
      return settingsFrom({ ...changed, assumeRoles: toLibraryNames(changed.assumeRoles) }, { env });
    },
    context,
    options,
    choices,
  };
}

/** As `readSession`, without the checks of the options as a whole: for a command that reports those itself. */
export async function readSessionChoices<Own extends Flags>(
  args: Arguments,
  own: Own,
  io: Io,
  warnOptions: WarnOptions = {},
): Promise<SessionChoices<Own>> {
  const { env } = io;
  const flags = { ...ALL_SESSION_FLAGS, ...own };
  const { choices, logger } = await readFlagsAndFiles(args, flags, io, warnOptions);
  const known: Choices<keyof typeof ALL_SESSION_FLAGS> = choices;
  const session = {
    ...known,
    ...(await readSecrets(known, io, logger)),
    assumeRoles: await readRoleChain(known),
    verifyTls: { ...known.noVerifySsl, value: known.noVerifySsl.value !== true },
  };
  return {
    choices: session,
    context: {
      env,
      logger,
      askPassphrase: askAtTerminal(),
      notify: (message) => say(io.stderr, formatNotice(programNameOf(io), message)),
      stdin: io.stdin,
      unbroken: io.unbroken,
      cache: known.cache.value === true,
      attempts: Number(known.maxAttempts.value),
    },
    options: valuesOf(choices, own),
  };
}

/** As of a password file. Without `--private-key`, the key is in the file of the certificate. */
async function warnOfPublicKey(
  { privateKey, certificate, signCommand }: IdentitySource,
  logger: StderrLogger,
): Promise<void> {
  const file = privateKey ?? certificate;
  // Loaded late, with the readers of PEM and DER.
  const { isPath } = await import('../../identity/text-forms.js');
  if (signCommand !== undefined || !isPath(file) || !(await isPublicPath(file))) return;
  logger.warn(`private key ${file} can be read by every user of this machine: chmod 600 it`);
}
