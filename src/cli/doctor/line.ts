/** A line of the report of `doctor`: what was checked, how it went, what was found, and what to do. */
import type { RolesAnywhereError } from '../../errors.js';
import { oneLine } from '../../errors.js';
import { exitStatusOf } from '../terminal/report.js';

export type Mark = 'ok' | 'warning' | 'error' | 'skipped';

export interface Line {
  readonly mark: Mark;
  /** A few words. */
  readonly what: string;
  readonly found: string;
  /** What to do, the most likely cause first; one line each, code excepted. */
  readonly advice: readonly string[];
  /** Of the error or the warning, as in `errors.ts` and `identity/finding.ts`. */
  readonly code: string | undefined;
  /** The exit status of the error's class; 0 for all other lines. */
  readonly status: number;
}

export interface Group {
  readonly title: string;
  readonly lines: readonly Line[];
  /** Lines below the title, as they are: a tree, a list. */
  readonly drawing?: readonly string[];
}

export function ok(what: string, found: string): Line {
  return { mark: 'ok', what, found: oneLine(found), advice: [], code: undefined, status: 0 };
}

export function skipped(what: string, found: string): Line {
  return { ...ok(what, found), mark: 'skipped' };
}

export function warned(what: string, found: string, advice: string, code?: string): Line {
  return { ...ok(what, found), mark: 'warning', advice: [oneLine(advice)], code };
}

/** Advice for errors without a hint. */
const DEFAULT_ADVICE: Readonly<Record<string, string>> = {
  ERR_FILE_UNREADABLE: 'give the full path of a file that this user can read',
  ERR_OPTION_MISSING:
    'give it as a flag, in the environment or in a file (--config): rolesanywhere doctor --help',
  ERR_OPTION_INVALID: 'rolesanywhere doctor --help shows the form of each value',
  ERR_PEM_INVALID: 'give a PEM, DER, PKCS#7 or PKCS#12 file',
  ERR_CERTIFICATE_INVALID: 'copy the certificate again, as the CA has issued it',
  ERR_KEY_INVALID: 'copy the private key again, or make a new key and request a certificate for it',
  ERR_KEY_UNSUPPORTED:
    'make a new RSA key of 2048 bits or an EC key on P-256, and request a certificate for it',
};

/** @param advice default: the error's hint */
export function failed(what: string, error: RolesAnywhereError, advice?: readonly string[]): Line {
  const { message, hint, code } = error;
  const lines = advice ?? [hint ?? DEFAULT_ADVICE[code] ?? `look up ${code} in examples/errors.md`];
  return { mark: 'error', what, found: message, advice: lines, code, status: exitStatusOf(error) };
}

/**
 * The exit status of a report: that of the first error.
 *
 * @param isStrict whether warnings count, as 1
 */
export function statusOf(lines: readonly Line[], isStrict: boolean): number {
  const error = lines.find(({ mark }) => mark === 'error');
  if (error !== undefined) return error.status;
  return isStrict && lines.some(({ mark }) => mark === 'warning') ? 1 : 0;
}
