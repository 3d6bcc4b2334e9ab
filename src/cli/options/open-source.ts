/** What a command was asked for in, where its sessions come from out. */
import type { SessionSource } from '../../credentials/session-source.js';
import { sessionSource } from '../../credentials/session-source.js';
import { OptionError } from '../../errors.js';
import { SESSION_OPTIONS } from '../../session/session-options.js';
import type { Settings } from '../../session/settings.js';
import type { Io } from '../terminal/io.js';
import type { Log } from '../terminal/log.js';
import type { CACHE_OPTIONS } from './command-options.js';
import type { SessionInputs } from './session-inputs.js';

/**
 * Certificate, key and cache are opened by each session that it makes.
 *
 * @param log of a program that goes on: warnings go there, and a pair that cannot be used leaves the one from before in use
 */
export function openSource(
  settings: Settings,
  {
    context: { logger, askPassphrase },
    options,
  }: Pick<SessionInputs<typeof CACHE_OPTIONS>, 'context' | 'options'>,
  io: Io,
  now: () => Date,
  log?: Log,
): SessionSource {
  const warn = log && ((message: string) => log.warn('warning', { message }));
  return sessionSource(settings, {
    ...{ env: io.env, now, logger: warn ? { ...logger, warn } : logger, askPassphrase },
    ...{ isCached: options.cache, isKept: log !== undefined },
    // Not copied: standard input opens when it is looked at.
    get stdin() {
      return io.stdin;
    },
  });
}

/**
 * It would work once, and fail an hour later, at the first refresh.
 *
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function refuseStandardInput({ source }: Settings, hint?: string): void {
  const name = (['certificate', 'privateKey', 'intermediates'] as const).find((key) => source[key] === '-');
  if (name === undefined) return;
  throw new OptionError(
    'ERR_OPTION_INVALID',
    `--${SESSION_OPTIONS[name].flag} must be a file: it is read again at each refresh, and standard input only once`,
    { hint },
  );
}
