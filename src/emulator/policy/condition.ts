/**
 * Evaluates one condition of a statement in the context of a request, and describes the outcome for the log.
 *
 * Rules:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html,
 * …/reference_policies_condition-logic-multiple-context-keys-or-values.html
 * and …/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
import type { Condition } from './document.js';
import type { Operator } from './operators.js';
import { parseBoolean } from './operators.js';
import type { Outcome } from './outcome.js';
import { allOf, anyOf, not } from './outcome.js';
import type { Pattern } from './pattern.js';
import { formatPattern, parsePattern, parseVariables } from './pattern.js';

/** By condition key in lower case: keys are case-insensitive. A key with an empty list is absent. */
export type Context = ReadonlyMap<string, string | readonly string[]>;

export interface Judgement {
  readonly outcome: Outcome;
  /** The condition and the compared values, on one line. */
  readonly text: string;
}

export function readContext(context: Readonly<Record<string, string | readonly string[]>>): Context {
  return new Map(
    Object.entries(context)
      .filter(([, value]) => value.length > 0 || typeof value === 'string')
      .map(([key, value]) => [key.toLowerCase(), value]),
  );
}

export function judgeCondition(condition: Condition, context: Context, hasVariables: boolean): Judgement {
  const { operator, name, key, values } = condition;
  const found = context.get(key.toLowerCase());
  if (operator.isNull) {
    const outcome = anyOf(values.map((value) => isAsNullAsks(value, found)));
    return { outcome, text: `${name} ${key}: expected ${values.join(' or ')}, found ${formatFound(found)}` };
  }
  const lookUp = (variable: string) => {
    const value = context.get(variable.toLowerCase());
    return typeof value === 'string' ? value : undefined;
  };
  const expected = values.map((value) =>
    hasVariables ? parseVariables(value, lookUp) : parsePattern(value),
  );
  const outcome = judge(operator, found, expected);
  const none = operator.isNegated ? 'none of ' : '';
  const shown = expected.map((pattern, index) => formatExpected(pattern, values[index] ?? '')).join(' or ');
  const remark = outcome === 'unknown' ? `, ${explainUnknown(operator, found)}` : '';
  return { outcome, text: `${name} ${key}: expected ${none}${shown}, found ${formatFound(found)}${remark}` };
}

function judge(
  operator: Operator,
  found: string | readonly string[] | undefined,
  expected: ReadonlyArray<Pattern | undefined>,
): Outcome {
  const { compare, isNegated, quantifier } = operator;
  if (found === undefined) return judgeAbsent(operator);
  const judgeOne = (value: string): Outcome => {
    const matches = expected.map((pattern) => (pattern === undefined ? 'unknown' : compare(value, pattern)));
    return isNegated ? not(anyOf(matches)) : anyOf(matches);
  };
  const outcomes = [found].flat().map(judgeOne);
  if (quantifier === 'ForAnyValue') return anyOf(outcomes);
  if (quantifier === 'ForAllValues') return allOf(outcomes);
  // A key with several values "requires a condition set operator". Without one, AWS's behaviour is not
  // documented.
  return typeof found === 'string' ? allOf(outcomes) : 'unknown';
}

function judgeAbsent({ quantifier, isIfExists, isNegated }: Operator): Outcome {
  if (quantifier === 'ForAllValues') return true;
  // The documentation lets both decide, and they disagree.
  if (quantifier === 'ForAnyValue') return isIfExists && 'unknown';
  return isIfExists || isNegated;
}

function isAsNullAsks(value: string, found: unknown): Outcome {
  const isAbsent = parseBoolean(value);
  return isAbsent === undefined ? 'unknown' : isAbsent === (found === undefined);
}

function explainUnknown({ quantifier }: Operator, found: string | readonly string[] | undefined): string {
  const hasSeveral = found !== undefined && typeof found !== 'string';
  if (hasSeveral && quantifier === undefined)
    return 'a list of values, which needs ForAnyValue or ForAllValues';
  return 'which AWS does not say how to compare';
}

function formatExpected(pattern: Pattern | undefined, value: string): string {
  return pattern === undefined ? `"${value}" (a variable without a value)` : `"${formatPattern(pattern)}"`;
}

function formatFound(found: string | readonly string[] | undefined): string {
  if (found === undefined) return 'no such key';
  return [found]
    .flat()
    .map((value) => `"${value}"`)
    .join(', ');
}
