/**
 * Reads the options of a command: chooses each value from the flags, the environment and the configuration
 * files, and refuses flags that cannot work here.
 */
import { OptionError } from '../../errors.js';
import type { Choices, Environment, Source } from '../../options/choose-values.js';
import {
  awsVariables,
  callerSource,
  chooseValues,
  environmentSource,
  weakerOf,
} from '../../options/choose-values.js';
import type { ValuesOf } from '../../options/option-spec.js';
import type { Logger } from '../../session/call-service.js';
import type { Arguments } from '../arguments.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatDebug, formatWarning } from '../terminal/report.js';
import type { AwsSettings } from './aws-settings.js';
import type { ConfigFile } from './config-file.js';
import type { Flags, VariablePrefix } from './flags.js';
import { DEBUG_FLAGS, variableOf } from './flags.js';
import { assertCompatible } from './helper-flags.js';
import { CONFIG_FLAGS } from './session-flags.js';

/** Writes to stderr; `debug` only with `--debug`. */
export type StderrLogger = Logger & {
  warn(message: string): void;
  /** A warning that is always printed, about a secret that every user can see. */
  alert(message: string): void;
};

export interface WarnOptions {
  /** Whether warnings are written with `--debug` only, as they are with `--once`. Default false. */
  readonly isQuiet?: boolean | undefined;
  /** Gets each warning in place of stderr. */
  readonly onWarning?: ((message: string) => void) | undefined;
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
  const variables = (name: string): string[] => {
    const flag = flags[name];
    return flag === undefined ? [] : [variableOf(flag, prefix), ...awsVariables(flag, env)];
  };
  const sources = [callerSource(given, label), environmentSource(env, variables), ...files];
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
  { isQuiet = false, onWarning }: WarnOptions = {},
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
  });
  if (aws?.problem !== undefined) logger.debug?.(`no settings from the AWS config: ${aws.problem}`);
  logOrigins(choices, flags, logger);
  if (file?.warning !== undefined) logger.warn(file.warning);
  await checkSelector(choices);
  for (const [name, { refused }] of Object.entries<Flags[string]>(known)) {
    const { label = '', origin } = choices[name] ?? {};
    if (refused !== undefined && origin !== 'default') {
      throw new OptionError('ERR_OPTION_INVALID', `${label} ${refused}`);
    }
  }
  return { choices: choices as FlagValues<Known>['choices'], logger };
}

async function readAwsSettings(env: Environment): Promise<AwsSettings> {
  const { loadAwsSettings } = await import('./aws-settings.js');
  return loadAwsSettings(env);
}

async function readConfigFile(
  args: Arguments,
  flags: Flags,
  env: Environment,
): Promise<ConfigFile | undefined> {
  const choices = readFlags(args, CONFIG_FLAGS, env);
  const weaker = weakerOf(choices, 'config', 'configProfile');
  const path = weaker === 'config' ? undefined : choices.config.value;
  const profile = weaker === 'configProfile' ? undefined : choices.configProfile.value;
  if (path === undefined && profile === undefined) return undefined;
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

/** Cron mails every line: commands that run once write their warnings with `--debug` only. */
function createLogger(
  io: Io,
  { isDebug, isQuiet, onWarning }: WarnOptions & { readonly isDebug: boolean },
): StderrLogger {
  const program = programNameOf(io);
  const alert = (message: string): void => say(io.stderr, formatWarning(program, message));
  return {
    alert,
    warn: onWarning ?? (isQuiet && !isDebug ? () => {} : alert),
    ...(isDebug && { debug: (message: string) => say(io.stderr, formatDebug(program, message)) }),
  };
}

/** Logs the source of each value, without the value: a value in the wrong place may be a secret. */
function logOrigins(choices: Choices, flags: Flags, logger: Logger): void {
  for (const [name, { label, origin }] of Object.entries(choices)) {
    if (origin === 'default') continue;
    logger.debug?.(`--${flags[name]?.flag} is from ${origin === 'caller' ? 'the command line' : label}`);
  }
}

/**
 * Checks `--cert-selector` before it is refused, so that a mistake in it is reported first, as by the helper.
 */
async function checkSelector(choices: Choices): Promise<void> {
  const selector = choices['certSelector']?.value;
  if (typeof selector !== 'string') return;
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
