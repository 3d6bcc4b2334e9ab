/** Describes flags: an option of the command line, its help, and the environment variable that gives it. */
import type { OptionSpec } from '../../options/option-spec.js';

export interface Flag extends OptionSpec {
  /** Without the dashes. */
  readonly flag: string;
  /** Stands for the value in `--help`. */
  readonly placeholder?: string;
  /**
   * The value is a member of an object in the list of this option: on the command line, of the last object
   * before the flag. Variables and files set it for a list with one object.
   */
  readonly memberOf?: string;
  /** The flag is known but cannot work here. The reason, as the predicate of a sentence about the flag. */
  readonly refused?: string;
  /** One line, for `--help`, the manual page and the shell completion. */
  readonly help: string;
}

/** Flags by the names of their options. */
export type Flags = Readonly<Record<string, Flag>>;

/** The flags of a command, by the headings of `--help`. */
export type FlagGroups = Readonly<Record<string, Flags>>;

/** Prefix of the variables. The emulator has its own, because `--port` is another port for `serve`. */
export type VariablePrefix = 'ROLESANYWHERE' | 'ROLESANYWHERE_EMULATOR';

/** The variable of a flag: `ROLESANYWHERE_ROLE_ARN` for `--role-arn`. */
export function variableOf({ flag }: Flag, prefix: VariablePrefix = 'ROLESANYWHERE'): string {
  return `${prefix}_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** All flags of a command. */
export function flatten(groups: FlagGroups): Flags {
  return Object.assign({}, ...Object.values(groups));
}

export const HELP_FLAGS = {
  help: {
    flag: 'help',
    kind: { type: 'boolean' },
    default: false,
    help: 'show this help; with --all, also the flags that are always refused',
  },
} as const satisfies Flags;

export const DEBUG_FLAGS = {
  debug: {
    flag: 'debug',
    kind: { type: 'boolean' },
    default: false,
    help: 'show requests and signatures on stderr; never a secret',
  },
} as const satisfies Flags;

/** The flags of commands that run until they are stopped. */
export const LOG_FLAGS = {
  logFormat: {
    flag: 'log-format',
    kind: { type: 'pattern', pattern: /^(text|json)$/, rule: 'text or json' },
    placeholder: 'FORMAT',
    default: 'text',
    help: 'format of the log on stderr: text or json, one line for each event',
  },
} as const satisfies Flags;
