/**
 * Three-valued logic for comparisons.
 *
 * AWS does not document comparisons that cannot be made: an invalid date, a variable without a value. Their
 * outcome is `unknown` here, and an unknown outcome always refuses: it keeps an Allow from applying and lets a
 * Deny apply.
 */

export type Outcome = boolean | 'unknown';

/** True if one is true; else unknown if one is unknown. */
export function anyOf(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes(true)) return true;
  return outcomes.includes('unknown') && 'unknown';
}

/** False if one is false; else unknown if one is unknown. */
export function allOf(outcomes: readonly Outcome[]): Outcome {
  return not(anyOf(outcomes.map(not)));
}

export function not(outcome: Outcome): Outcome {
  return outcome === 'unknown' ? outcome : !outcome;
}
