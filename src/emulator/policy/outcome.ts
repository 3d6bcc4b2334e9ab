/**
 * What a comparison may say, and how several are combined. AWS leaves open what becomes of a comparison that cannot be
 * made (a date that is none, a variable without a value). It is `unknown` here, and an unknown outcome always refuses: it
 * keeps an Allow from applying, and lets a Deny apply. The emulator must not be kinder than AWS.
 */

export type Outcome = boolean | 'unknown';

/** True where one is true; else unknown where one is unknown. */
export function anyOf(outcomes: readonly Outcome[]): Outcome {
  if (outcomes.includes(true)) return true;
  return outcomes.includes('unknown') && 'unknown';
}

/** False where one is false; else unknown where one is unknown. */
export function allOf(outcomes: readonly Outcome[]): Outcome {
  return not(anyOf(outcomes.map(not)));
}

export function not(outcome: Outcome): Outcome {
  return outcome === 'unknown' ? outcome : !outcome;
}
