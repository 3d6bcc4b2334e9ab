/**
 * Expands policy variables in a value of a policy, and matches its wildcards.
 *
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */

/**
 * One character. Only a character that the policy's author wrote can be a wildcard, not one from a variable.
 */
export interface Token {
  readonly text: string;
  readonly isWritten: boolean;
}

export type Pattern = readonly Token[];

/** The value of a context key; undefined if it has none or several. */
export type LookUp = (key: string) => string | undefined;

/** `${*}`, `${?}` and `${$}` stand for the characters themselves. */
const ESCAPED = /^[*?$]$/;

/** A text without variables, as in policies before version 2012-10-17. */
export function parsePattern(text: string): Pattern {
  return [...text].map((character) => ({ text: character, isWritten: true }));
}

/** Undefined if a variable has no value and no default: AWS then treats the statement as invalid. */
export function parseVariables(text: string, lookUp: LookUp): Pattern | undefined {
  // Joined at the end: a call takes some 100,000 arguments, and a text may have more characters.
  const parts: Token[][] = [];
  for (let at = 0; ; ) {
    const begin = text.indexOf('${', at);
    parts.push([...parsePattern(text.slice(at, begin === -1 ? undefined : begin))]);
    if (begin === -1) return parts.flat();
    const end = text.indexOf('}', begin);
    // AWS's treatment of a brace that is never closed is unknown.
    if (end === -1) return undefined;
    const name = text.slice(begin + 2, end);
    const value = ESCAPED.test(name) ? name : resolve(name, lookUp);
    if (value === undefined) return undefined;
    parts.push([...value].map((character) => ({ text: character, isWritten: false })));
    at = end + 1;
  }
}

/** `aws:username`, or with a default: `aws:username, 'anonymous'`. */
function resolve(variable: string, lookUp: LookUp): string | undefined {
  const comma = variable.indexOf(',');
  const key = (comma === -1 ? variable : variable.slice(0, comma)).trim();
  const rest = comma === -1 ? '' : variable.slice(comma + 1).trim();
  const [, byDefault] = /^'([^']*)'$/.exec(rest) ?? [];
  if (key === '' || key.includes("'") || (comma !== -1 && byDefault === undefined)) return undefined;
  return lookUp(key) ?? byDefault;
}

export function formatPattern(pattern: Pattern): string {
  return pattern.map(({ text }) => text).join('');
}

/** Splits at the first `count - 1` separators that the author wrote. */
export function splitPattern(pattern: Pattern, separator: string, count: number): Pattern[] {
  const parts: Token[][] = [[]];
  for (const token of pattern) {
    const isSeparator = token.isWritten && token.text === separator && parts.length < count;
    if (isSeparator) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}

/** `*` matches any characters, `?` one. The time is at most proportional to the product of the lengths. */
export function isMatch(pattern: Pattern, text: string): boolean {
  const characters = [...text];
  let at = 0;
  let position = 0;
  // The position to backtrack to: after the last `*`, which then matches one more character.
  let star = -1;
  let starTook = 0;
  while (position < characters.length) {
    const token = pattern[at];
    if (token?.isWritten && token.text === '*') {
      star = at;
      starTook = position;
      at += 1;
    } else if (token?.text === characters[position] || (token?.isWritten && token.text === '?')) {
      at += 1;
      position += 1;
    } else if (star >= 0) {
      starTook += 1;
      at = star + 1;
      position = starTook;
    } else return false;
  }
  return pattern.slice(at).every(({ text: rest, isWritten }) => isWritten && rest === '*');
}

/** Names of actions are case-insensitive; those of a policy may have wildcards. */
export function isAction(pattern: string, action: string): boolean {
  return isMatch(parsePattern(pattern.toLowerCase()), action.toLowerCase());
}
