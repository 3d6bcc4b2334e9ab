/**
 * Reads the options of a command: chooses each value from the flags, the environment and the configuration
 * files, and refuses flags that cannot work here.
 */
import { OptionError, RolesAnywhereError } from '../../errors.js';
import { readAwsFile } from '../../files/read-file.js';
import type { Choices, Environment, Source } from '../../options/choose-values.js';
import { callerSource, chooseValues, environmentSource, weakerOf } from '../../options/choose-values.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Logger } from '../../session/call-service.js';
import type { Arguments } from '../arguments.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatDebug, formatWarning } from '../terminal/report.js';
import { awsConfigPath } from './aws-paths.js';
import type { AwsSettings } from './aws-settings.js';
import type { ConfigFile } from './config-file.js';
import type { Flag, Flags, VariablePrefix } from './flags.js';
import { DEBUG_FLAGS, variableOf } from './flags.js';
import { assertCompatible } from './helper-flags.js';
import { CONFIG_FLAGS } from './session-flags.js';

/** Writes to stderr; `debug` only with `--debug`. */
export type StderrLogger = Logger & {
  warn(message: string): void;
  /** Whether `warn` writes nothing. */
  readonly isQuiet: boolean;
  /** A warning that is always printed, about a secret that every user can see. */
  alert(message: string): void;
};

export interface WarnOptions {
  /** Whether warnings are written with `--debug` only, as they are with `--once`. Default false. */
  readonly isQuiet?: boolean | undefined;
  /** Gets each warning in place of stderr. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** The clock of a log in JSON. Without it, warnings are text in any format of the log. */
  readonly now?: (() => Date) | undefined;
}

interface FlagValues<Known extends Flags> {
  readonly choices: Choices<Extract<keyof Known, string>>;
  readonly logger: StderrLogger;
}

/** Reads the values from arguments and environment only, for commands without configuration files. */
export function readFlags<Known extends Flags>(
  { given }: Arguments,
  flags: Known,
  env: Environment,
  prefix?: VariablePrefix,
  files: readonly Source[] = [],
): Choices<Extract<keyof Known, string>> {
  const label = (name: string): string => `--${flags[name]?.flag}`;
  const variables = environmentSource<Flag>(env, flags, (flag) => variableOf(flag, prefix));
  const sources = [callerSource(given, label), variables, ...files];
  return chooseValues(flags as Readonly<Record<Extract<keyof Known, string>, Flags[string]>>, sources, label);
}

/**
 * As `readFlags`, and from the file that `--config` or `--config-profile` names.
 *
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_CONFLICT` `ERR_OPTION_UNKNOWN`
 * @throws IdentityError `ERR_FILE_UNREADABLE`: a configuration file
 */
export async function readFlagsAndFiles<Known extends Flags>(
  args: Arguments,
  known: Known,
  io: Io,
  { isQuiet = false, onWarning, now }: WarnOptions = {},
): Promise<FlagValues<Known>> {
  assertCompatible(args.given, known);
  const flags = { ...known, ...CONFIG_FLAGS, ...DEBUG_FLAGS };
  // Only commands that call the service need the settings of the AWS config.
  const aws = 'endpoint' in known ? await readAwsSettings(io.env) : undefined;
  const file = await readConfigFile(args, flags, io.env);
  const files = [file, aws].filter((source) => source !== undefined);
  const choices: Choices = readFlags(args, flags, io.env, undefined, files);
  const logger = createLogger(io, {
    isDebug: choices['debug']?.value === true,
    isQuiet: isQuiet || choices['once']?.value === true,
    onWarning,
    alert: now && choices['logFormat']?.value === 'json' ? await jsonAlert(io, now) : undefined,
  });
  if (aws?.problem !== undefined) logger.debug?.(`no settings from the AWS config: ${aws.problem}`);
  if (logger.debug !== undefined) logOrigins(choices, flags, logger);
  if (file?.warning !== undefined) logger.warn(file.warning);
  const selector = choices['certSelector']?.value;
  // Before it is refused, so that a mistake in it is reported first, as by the helper.
  if (typeof selector === 'string') await checkSelector(selector);
  for (const [name, { refused }] of Object.entries<Flags[string]>(known)) {
    const { label = '', origin } = choices[name] ?? {};
    if (refused !== undefined && origin !== 'default') {
      throw new OptionError('ERR_OPTION_INVALID', `${label} ${refused}`);
    }
  }
  return { choices: choices as FlagValues<Known>['choices'], logger };
}

/** Undefined if there is no AWS config; without values if it is broken. */
async function readAwsSettings(env: Environment): Promise<AwsSettings | undefined> {
  const path = awsConfigPath(env);
  const subject = `AWS config file ${path}`;
  try {
    const file = await readAwsFile(path, subject);
    if (file === undefined) return undefined;
    const { parseAwsSettings } = await import('./aws-settings.js');
    return parseAwsSettings(file.text, { path, subject, env });
  } catch (error) {
    if (!(error instanceof RolesAnywhereError)) throw error;
    return { origin: 'aws-config', find: () => [], problem: error.message };
  }
}

async function readConfigFile(
  args: Arguments,
  flags: Flags,
  env: Environment,
): Promise<ConfigFile | undefined> {
  const choices = readFlags(args, CONFIG_FLAGS, env);
  if (choices.config.origin === 'default' && choices.configProfile.origin === 'default') return undefined;
  const weaker = weakerOf(choices, 'config', 'configProfile');
  const path = weaker === 'config' ? undefined : choices.config.value;
  const profile = weaker === 'configProfile' ? undefined : choices.configProfile.value;
  const { loadConfigProfile, loadJsonConfig } = await import('./config-file.js');
  const known = { flags, otherFlags: args.otherFlags };
  return typeof path === 'string'
    ? loadJsonConfig(path, known, env)
    : loadConfigProfile(String(profile), known, env);
}

/** The values of some flags. */
export function valuesOf<Known extends Flags>(choices: Choices, flags: Known): ValuesOf<Known> {
  // Validated by `chooseValues`.
  return Object.fromEntries(
    Object.keys(flags).map((name) => [name, choices[name]?.value]),
  ) as ValuesOf<Known>;
}

type Alert = StderrLogger['alert'];

/** For `--log-format json`: warnings that precede the log have its form. */
async function jsonAlert(io: Io, now: () => Date): Promise<Alert> {
  const { openLog } = await import('../terminal/log.js');
  const log = openLog(io.stderr, 'json', now);
  return (message) => log.warn('warning', { message });
}

interface LoggerOptions extends Pick<WarnOptions, 'isQuiet' | 'onWarning'> {
  readonly isDebug: boolean;
  /** Default: a line of text on stderr. */
  readonly alert: Alert | undefined;
}

/** Cron mails every line: commands that run once write their warnings with `--debug` only. */
function createLogger(io: Io, { isDebug, isQuiet, onWarning, ...options }: LoggerOptions): StderrLogger {
  const { alert = (message) => say(io.stderr, formatWarning(programNameOf(io), message)) } = options;
  const isHushed = isQuiet === true && !isDebug;
  return {
    alert,
    warn: onWarning ?? (isHushed ? () => {} : alert),
    isQuiet: isHushed && onWarning === undefined,
    ...(isDebug && { debug: (message: string) => say(io.stderr, formatDebug(programNameOf(io), message)) }),
  };
}

/** Logs the source of each value, without the value: a value in the wrong place may be a secret. */
function logOrigins(choices: Choices, flags: Flags, logger: Logger): void {
  for (const [name, { label, origin }] of Object.entries(choices)) {
    if (origin === 'default') continue;
    logger.debug?.(`--${flags[name]?.flag} is from ${origin === 'caller' ? 'the command line' : label}`);
  }
}

/** Checks `--cert-selector`: the text itself, or the file that it names. */
async function checkSelector(selector: string): Promise<void> {
  const { parseCertSelector, parseCertSelectorJson } = await import('./cert-selector.js');
  if (!selector.startsWith('file://')) {
    parseCertSelector(selector);
    return;
  }
  const { readTextFile } = await import('../../files/read-file.js');
  const path = selector.slice('file://'.length);
  const subject = `selector file ${path}`;
  parseCertSelectorJson((await readTextFile(path, subject)).text, subject);
}
