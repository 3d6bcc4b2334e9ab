/**
 * Flags, environment and files in, the options that count out, for every command that takes what AWS's Go helper takes.
 * Helper's flags that are of no use here are checked as the helper does, and then refused with the reason.
 */
import { OptionError } from '../../errors.js';
import type { ChosenValues, Environment } from '../../options/choose-values.js';
import { chooseValues, weakerOf } from '../../options/choose-values.js';
import type { OptionRows, ValuesOf } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';
import type { Logger } from '../../session/create-session.js';
import { SESSION_OPTIONS } from '../../session/session-options.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatDebug, formatWarning } from '../terminal/report.js';
import {
  CACHE_OPTIONS,
  COMMAND_LINE_OPTIONS,
  CONFIG_OPTIONS,
  LOG_OPTIONS,
  SERVE_OPTIONS,
  SESSION_SOURCES,
  UPDATE_OPTIONS,
} from './command-options.js';
import type { ConfigFile } from './config-file.js';
import { HELPER_OPTIONS, refuseExclusions, refuseReference } from './helper-options.js';

const { debug } = COMMAND_LINE_OPTIONS;

/** What a file may give: the options of every command, since one file may serve several. */
const IN_FILES: OptionRows = {
  ...SESSION_OPTIONS,
  ...SESSION_SOURCES,
  ...HELPER_OPTIONS,
  ...CACHE_OPTIONS,
  ...LOG_OPTIONS,
  ...UPDATE_OPTIONS,
  ...SERVE_OPTIONS,
  debug,
};

/** Writes to stderr; with `debug` only where `--debug` asks for it. */
export type StderrLogger = Logger & { warn(message: string): void };

export interface Inputs<Rows extends OptionRows> {
  readonly chosen: ChosenValues<Extract<keyof Rows, string>>;
  readonly logger: StderrLogger;
}

/**
 * @param values flags as they were given, by option name
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_CONFLICT`
 * @throws IdentityError `ERR_FILE_UNREADABLE`: a file that holds options
 */
export async function readOptions<Rows extends OptionRows>(
  values: RawValues,
  rows: Rows,
  io: Io,
): Promise<Inputs<Rows>> {
  refuseExclusions(values, rows);
  const all: OptionRows = { ...rows, ...CONFIG_OPTIONS, debug };
  const sources = { given: values, env: io.env, naming: 'flag' } as const;
  const file = await readFile(chooseValues<keyof typeof CONFIG_OPTIONS>(CONFIG_OPTIONS, sources), io.env);
  const chosen = chooseValues<string>(all, { ...sources, file });
  const logger = createLogger(io, chosen['debug']?.value === true);
  explain(chosen, all, logger);
  if (file?.warning !== undefined) logger.warn(file.warning);
  await refuseStore(chosen);
  for (const [name, row] of Object.entries<OptionRows[string]>(rows)) {
    const { label = '', origin, value } = chosen[name] ?? {};
    if (row.refused !== undefined && origin !== 'default') {
      throw new OptionError('ERR_OPTION_INVALID', `${label} ${row.refused}`);
    }
    if (row.kind.type === 'source') refuseReference(value, label);
  }
  return { chosen: chosen as Inputs<Rows>['chosen'], logger };
}

async function readFile(
  chosen: ChosenValues<keyof typeof CONFIG_OPTIONS>,
  env: Environment,
): Promise<ConfigFile | undefined> {
  const weaker = weakerOf(chosen, 'config', 'configProfile');
  const path = weaker === 'config' ? undefined : chosen.config.value;
  const profile = weaker === 'configProfile' ? undefined : chosen.configProfile.value;
  if (path === undefined && profile === undefined) return undefined;
  const rows = new Map(Object.entries(IN_FILES).map(([name, row]) => [row.flag, { name, row }]));
  const { loadConfigProfile, loadJsonConfig } = await import('./config-file.js');
  return typeof path === 'string'
    ? loadJsonConfig(path, rows, env)
    : loadConfigProfile(String(profile), rows, env);
}

/** The chosen values of some rows. */
export function valuesOf<Rows extends OptionRows>(chosen: ChosenValues, rows: Rows): ValuesOf<Rows> {
  // Each value has gone through its row.
  return Object.fromEntries(Object.keys(rows).map((name) => [name, chosen[name]?.value])) as ValuesOf<Rows>;
}

function createLogger(io: Io, isDebug: boolean): StderrLogger {
  return {
    warn: (message) => say(io.stderr, formatWarning(message)),
    ...(isDebug && { debug: (message: string) => say(io.stderr, formatDebug(message)) }),
  };
}

/** Where each value comes from. Not the value: what stands in the wrong place may be a secret. */
function explain(chosen: ChosenValues, rows: OptionRows, logger: Logger): void {
  for (const [name, { label, origin }] of Object.entries(chosen)) {
    if (origin === 'default') continue;
    logger.debug?.(`--${rows[name]?.flag} is from ${origin === 'caller' ? 'the command line' : label}`);
  }
}

/** The selector of a certificate in a store is checked before it is refused: a mistake in it is told first. */
async function refuseStore(chosen: ChosenValues): Promise<void> {
  const selector = chosen['certSelector']?.value;
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
