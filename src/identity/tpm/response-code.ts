/**
 * Names the response codes of a TPM and says which of them are worth another try.
 *
 * Source: TPM 2.0 Library Specification, Part 2, "TPM_RC (Response Codes)": bit 7 tells format one, whose
 * code has a parameter, handle or session number beside it; format zero has errors (0x100) and warnings
 * (0x900).
 */

const FORMAT_ONE: Readonly<Record<number, string>> = {
  1: 'ASYMMETRIC',
  2: 'ATTRIBUTES',
  3: 'HASH',
  4: 'VALUE',
  5: 'HIERARCHY',
  7: 'KEY_SIZE',
  8: 'MGF',
  9: 'MODE',
  10: 'TYPE',
  11: 'HANDLE',
  12: 'KDF',
  13: 'RANGE',
  14: 'AUTH_FAIL',
  15: 'NONCE',
  16: 'PP',
  18: 'SCHEME',
  21: 'SIZE',
  22: 'SYMMETRIC',
  23: 'TAG',
  24: 'SELECTOR',
  26: 'INSUFFICIENT',
  27: 'SIGNATURE',
  28: 'KEY',
  29: 'POLICY_FAIL',
  31: 'INTEGRITY',
  32: 'TICKET',
  33: 'RESERVED_BITS',
  34: 'BAD_AUTH',
  35: 'EXPIRED',
  36: 'POLICY_CC',
  37: 'BINDING',
  38: 'CURVE',
  39: 'ECC_POINT',
};

const ERRORS: Readonly<Record<number, string>> = {
  0: 'INITIALIZE',
  1: 'FAILURE',
  3: 'SEQUENCE',
  11: 'PRIVATE',
  25: 'HMAC',
  32: 'DISABLED',
  33: 'EXCLUSIVE',
  36: 'AUTH_TYPE',
  37: 'AUTH_MISSING',
  38: 'POLICY',
  39: 'PCR',
  40: 'PCR_CHANGED',
  45: 'UPGRADE',
  46: 'TOO_MANY_CONTEXTS',
  47: 'AUTH_UNAVAILABLE',
  48: 'REBOOT',
  49: 'UNBALANCED',
  66: 'COMMAND_SIZE',
  67: 'COMMAND_CODE',
  68: 'AUTHSIZE',
  69: 'AUTH_CONTEXT',
  70: 'NV_RANGE',
  71: 'NV_SIZE',
  72: 'NV_LOCKED',
  73: 'NV_AUTHORIZATION',
  74: 'NV_UNINITIALIZED',
  75: 'NV_SPACE',
  76: 'NV_DEFINED',
  80: 'BAD_CONTEXT',
  81: 'CPHASH',
  82: 'PARENT',
  83: 'NEEDS_TEST',
  84: 'NO_RESULT',
  85: 'SENSITIVE',
};

const WARNINGS: Readonly<Record<number, string>> = {
  1: 'CONTEXT_GAP',
  2: 'OBJECT_MEMORY',
  3: 'SESSION_MEMORY',
  4: 'MEMORY',
  5: 'SESSION_HANDLES',
  6: 'OBJECT_HANDLES',
  7: 'LOCALITY',
  8: 'YIELDED',
  9: 'CANCELED',
  10: 'TESTING',
  16: 'REFERENCE_H0',
  17: 'REFERENCE_H1',
  18: 'REFERENCE_H2',
  19: 'REFERENCE_H3',
  20: 'REFERENCE_H4',
  21: 'REFERENCE_H5',
  22: 'REFERENCE_H6',
  24: 'REFERENCE_S0',
  25: 'REFERENCE_S1',
  26: 'REFERENCE_S2',
  27: 'REFERENCE_S3',
  28: 'REFERENCE_S4',
  29: 'REFERENCE_S5',
  30: 'REFERENCE_S6',
  32: 'NV_RATE',
  33: 'LOCKOUT',
  34: 'RETRY',
  35: 'NV_UNAVAILABLE',
};

/** Another user of the TPM is in the way, or the TPM is busy with itself: it passes. */
const PASSING = ['CONTEXT_GAP', 'YIELDED', 'CANCELED', 'TESTING', 'NV_RATE', 'RETRY', 'NV_UNAVAILABLE'];

/** There is no room for another object or session. */
const FULL = ['OBJECT_MEMORY', 'SESSION_MEMORY', 'MEMORY', 'SESSION_HANDLES', 'OBJECT_HANDLES'];

/** A command that the TPM has refused. */
export class TpmCommandError extends Error {
  override readonly name = 'TpmCommandError';
  /** Such as `Load`. */
  readonly command: string;
  /** Without position: `AUTH_FAIL`, `LOCKOUT`; undefined for a code that the specification does not name. */
  readonly rc: string | undefined;

  constructor(command: string, responseCode: number) {
    super(`${command} failed: ${describeResponseCode(responseCode)}`);
    this.command = command;
    this.rc = nameOf(responseCode);
  }

  /** Whether the same command may succeed a moment later. */
  get isPassing(): boolean {
    return this.rc !== undefined && PASSING.includes(this.rc);
  }

  /** Whether it may succeed when objects or sessions have been flushed. */
  get isFull(): boolean {
    return this.rc !== undefined && FULL.includes(this.rc);
  }
}

/** `TPM_RC_AUTH_FAIL (0x98e, session 1)`. */
function describeResponseCode(responseCode: number): string {
  const name = nameOf(responseCode);
  const code = `0x${responseCode.toString(16)}`;
  const place = placeOf(responseCode);
  return `${name === undefined ? 'unknown response code' : `TPM_RC_${name}`} (${[code, ...place].join(', ')})`;
}

function nameOf(responseCode: number): string | undefined {
  if ((responseCode & 0x80) !== 0) return FORMAT_ONE[responseCode & 0x3f];
  const table = (responseCode & 0x800) === 0 ? ERRORS : WARNINGS;
  return (responseCode & 0x100) === 0 ? undefined : table[responseCode & 0x7f];
}

/**
 * The subject of a format-one code: bit 6 means a parameter; else bit 11 distinguishes a session from a
 * handle.
 */
function placeOf(responseCode: number): string[] {
  if ((responseCode & 0x80) === 0) return [];
  const number = (responseCode >> 8) & 0xf;
  if ((responseCode & 0x40) !== 0) return number === 0 ? [] : [`parameter ${number}`];
  if ((number & 0x7) === 0) return [];
  return [(number & 0x8) === 0 ? `handle ${number}` : `session ${number & 0x7}`];
}
