/** Defines the error for problems with a file that this program detects, not the system. */

/**
 * Internal: its message is a reason, `it is not a regular file`, for the message of an error of this package.
 */
export class FileFault extends Error {
  readonly code: string;
  /** What to do about it, one line. */
  readonly hint: string | undefined;

  constructor(code: string, reason: string, hint?: string) {
    super(reason);
    this.code = code;
    this.hint = hint;
  }
}

/** @returns the hint of a FileFault */
export function hintOf(error: unknown): string | undefined {
  return error instanceof FileFault ? error.hint : undefined;
}
