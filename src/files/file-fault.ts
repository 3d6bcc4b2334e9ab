/** Defines the error for what this program, not the system, finds wrong with a file. */

/** Internal: its message is a reason, `it is not a regular file`, for the message of an error of this package. */
export class FileFault extends Error {
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }
}
