/**
 * Flags, environment and files in, the settings of a session out, for every command that makes sessions:
 * `credential-process`, `serve` and `update`.
 */

import type { SourceContext } from '../../credentials/session-source.js';
import type { InputName } from '../../identity/identity-source.js';
import type { OptionRows, ValuesOf } from '../../options/option-row.js';
import type { RawValues } from '../../options/values.js';
import { SESSION_OPTIONS } from '../../session/session-options.js';
import type { Settings } from '../../session/settings.js';
import { settingsFrom } from '../../session/settings.js';
import type { Io } from '../terminal/io.js';
import { CONFIG_OPTIONS, SESSION_SOURCES } from './command-options.js';
import { HELPER_OPTIONS } from './helper-options.js';
import type { StderrLogger } from './options.js';
import { readOptions, valuesOf } from './options.js';
import { askAtTerminal, readPassphrase } from './passphrase.js';
import { changeOptions } from './variant.js';

/** Every flag that says which session to make. */
export const SESSION_FLAGS = {
  ...SESSION_OPTIONS,
  ...SESSION_SOURCES,
  ...HELPER_OPTIONS,
  ...CONFIG_OPTIONS,
};

export interface SessionInputs<Own extends OptionRows> {
  readonly settings: Settings;
  /** For `openSessionSource`: a logger that writes to stderr, and a question at the terminal for a passphrase. */
  readonly context: Omit<SourceContext, 'now'> & { readonly logger: StderrLogger };
  /** The values of the command's own options. */
  readonly options: ValuesOf<Own>;
  /**
   * The settings of another role of the same machine.
   *
   * @param changes values by flag, as a configuration file has them
   * @throws OptionError `ERR_OPTION_*`
   */
  settingsWith(changes: unknown, subject: string): Settings;
}

/** How messages name an input of the identity. */
export function flagOf(name: InputName): string {
  return `--${SESSION_OPTIONS[name].flag}`;
}

/**
 * @param own the rows of the command's own options
 * @throws OptionError `ERR_OPTION_*`
 * @throws IdentityError `ERR_FILE_UNREADABLE`: a file that holds options
 */
export async function readSession<Own extends OptionRows>(
  values: RawValues,
  own: Own,
  io: Io,
): Promise<SessionInputs<Own>> {
  const { chosen, logger } = await readOptions(values, { ...SESSION_FLAGS, ...own }, io);
  const passphrase = (await readPassphrase(chosen, io, logger)) ?? chosen.passphrase;
  const all = { ...chosen, passphrase };
  return {
    settings: settingsFrom(all, { env: io.env }),
    settingsWith: (changes, subject) => settingsFrom(changeOptions(all, changes, subject), { env: io.env }),
    context: { env: io.env, logger, askPassphrase: askAtTerminal(), stdin: io.stdin },
    options: valuesOf(chosen, own),
  };
}
