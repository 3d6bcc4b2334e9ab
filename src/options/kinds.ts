/**
 * Kinds of values that several option tables share: each with its validation and the rule that messages state.
 */
import { REGION } from './arn.js';
import type { OptionKind } from './option-spec.js';

type Pattern = Extract<OptionKind, { type: 'pattern' }>;

/** An AWS region. The names of endpoints (`us-east-1-fips`, `fips-us-east-1`) are not regions. */
export const REGION_KIND = {
  type: 'pattern',
  pattern: new RegExp(`^(?!fips-)${REGION}$`),
  rule: 'a region such as us-east-1',
} as const satisfies Pattern;

export const ACCOUNT_ID_KIND = {
  type: 'pattern',
  pattern: /^\d{12}$/,
  rule: 'twelve digits',
} as const satisfies Pattern;

/** IAM's `roleNameType`. */
export const ROLE_NAME_KIND = {
  type: 'pattern',
  pattern: /^[A-Za-z0-9_+=,.@-]{1,64}$/,
  rule: 'a role name: 1 to 64 of A-Z a-z 0-9 _ + = , . @ -',
} as const satisfies Pattern;

/** Seconds, within the limits of CreateSession. */
export const SESSION_DURATION_KIND = {
  type: 'integer',
  min: 900,
  max: 43_200,
  unit: 'seconds',
} as const satisfies OptionKind;

/** A host name or an address to listen on; an IPv6 address without brackets, with its zone if it has one. */
export const HOST_KIND = {
  type: 'pattern',
  pattern: /^[\w.:%-]{1,63}$/,
  rule: 'a host name or address',
} as const satisfies Pattern;

/** Names of this machine in `Host` headers, without ports. */
export const HOST_NAMES_KIND = {
  type: 'list',
  separator: ',',
  pattern: /^[A-Za-z0-9._-]{1,253}$/,
  rule: 'a host name without a port',
} as const satisfies OptionKind;

/** A TCP port to listen on. 0 lets the system choose. */
export const PORT_KIND = { type: 'integer', min: 0, max: 65_535 } as const satisfies OptionKind;

/** A seed of a random number generator. */
export const SEED_KIND = { type: 'integer', min: 0, max: 999_999_999 } as const satisfies OptionKind;
