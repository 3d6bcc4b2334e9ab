/**
 * `rolesanywhere env` prints credentials as environment variables, for shells and for files that programs
 * read their environment from.
 *
 * Source: `aws configure export-credentials` (AWS CLI reference), whose formats it knows by their names.
 */
import { formatProcessCredentials } from '../../credentials/process-json.js';
import { openSessionSource } from '../../credentials/session-source.js';
import { OptionError } from '../../errors.js';
import { nearest } from '../../options/values.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { CREDENTIAL_VARIABLES, rivalsIn, sessionVariables } from '../exec/variables.js';
import type { Flags } from '../options/flags.js';
import { readFlags } from '../options/read-flags.js';
import { readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import type { EnvFormatName, Variables } from './env-formats.js';
import { ENV_FORMATS, formatVariables } from './env-formats.js';

/** Names that `aws configure export-credentials` has for the same formats. */
const SYNONYMS: Readonly<Record<string, EnvFormatName>> = { env: 'posix', 'windows-cmd': 'cmd' };

const FORMATS = [...Object.keys(ENV_FORMATS), 'json', 'process', ...Object.keys(SYNONYMS)];

/** Formats that a shell runs, so that they can unset variables of that shell. */
const SHELLS: ReadonlySet<string> = new Set(['posix', 'fish', 'powershell', 'cmd']);

const FLAGS = {
  format: {
    flag: 'format',
    kind: { type: 'text' },
    placeholder: 'FORMAT',
    default: 'posix',
    help: `format of the output: ${FORMATS.join(', ')}`,
  },
  unset: {
    flag: 'unset',
    kind: { type: 'boolean' },
    default: false,
    help: 'print commands that unset the variables; creates no session',
  },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups(FLAGS),
  example: '--config host.json --format dotenv',
  run,
};

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const own = readFlags(args, FLAGS, io.env);
  if (own.unset.value === true) return print(io.stdout, unsetting(formatOf(own.format)));
  const { settings, context, options } = await readSession(args, FLAGS, io, { isQuiet: true });
  const format = formatOf({ ...own.format, value: options.format });
  const session = await openSessionSource(settings, { ...context, now }).create();
  if (format === 'process') return print(io.stdout, `${formatProcessCredentials(session)}\n`);
  const rivals = SHELLS.has(format) ? rivalsIn(io.env) : [];
  await print(io.stdout, formatted([...rivals, ...sessionVariables(session, settings.region)], format));
}

type Format = EnvFormatName | 'json' | 'process';

/** @throws OptionError `ERR_OPTION_INVALID` */
function formatOf({ value, label }: { readonly value: unknown; readonly label: string }): Format {
  const name = String(value);
  if (!FORMATS.includes(name)) {
    throw new OptionError(
      'ERR_OPTION_INVALID',
      `${label} must be one of ${FORMATS.join(', ')}${nearest(name, FORMATS)}`,
    );
  }
  return SYNONYMS[name] ?? (name as Format);
}

function unsetting(format: Format): string {
  if (format === 'process') {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      '--unset and --format process exclude each other: that format has no variables',
    );
  }
  return formatted(
    CREDENTIAL_VARIABLES.map((name) => [name, undefined]),
    format,
  );
}

function formatted(variables: Variables, format: Exclude<Format, 'process'>): string {
  if (format !== 'json') return formatVariables(variables, format);
  const entries = variables.map(([name, value]) => [name, value ?? null]);
  return `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`;
}
