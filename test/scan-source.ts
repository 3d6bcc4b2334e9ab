/**
 * The text of a TypeScript file in, its tokens and imports out: as much of the grammar as `architecture.test.ts`
 * asks about. Comments, strings, templates and regular expressions are told from code, so that a rule about
 * `process` is about the code and not about the prose. `scan-source.test.ts` holds what it must get right.
 */

export interface Token {
  readonly kind: 'comment' | 'text' | 'template' | 'regex' | 'word' | 'number' | 'mark';
  /** As written; of a string, what stands between the quotes. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

export interface Import {
  /** What is imported, as written; undefined where it is computed. */
  readonly from: string | undefined;
  /** Gone when the program runs: `import type`, `export type … from`, `typeof import(…)`. */
  readonly isType: boolean;
  readonly isDynamic: boolean;
  readonly line: number;
}

const SPACE = /\s+/y;
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/** Tried in this order. What is left, templates and regular expressions, depends on what stands before. */
const PATTERNS: ReadonlyArray<readonly [kind: Token['kind'], pattern: RegExp]> = [
  ['comment', /\/\/.*|\/\*[\s\S]*?\*\//y],
  ['text', /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y],
  ['word', /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy],
  ['number', /\d[\w.]*/y],
  ['mark', /=>|\?\?=?|\?\.|\.\.\.|[^'"]/y],
];

/** Words behind which an expression begins, so that a slash opens a regular expression. */
const BEFORE_EXPRESSION = /^(return|typeof|case|in|of|await|yield|void|delete|throw|new|else|do)$/;

/** @throws Error where the text ends inside a string, a template or a pair of braces */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open brace, whether a template goes on behind it. */
  const braces: boolean[] = [];
  let line = 1;
  for (let at = matchAt(SPACE, source, 0).length; at < source.length; ) {
    const { kind, raw } = nextToken(source, at, tokens.at(-1), braces);
    if (raw === '') throw new Error(`a ${kind} is left open in line ${line}`);
    tokens.push({ kind, text: kind === 'text' ? raw.slice(1, -1) : raw, line });
    const whole = raw + matchAt(SPACE, source, at + raw.length);
    line += whole.split('\n').length - 1;
    at += whole.length;
  }
  if (braces.length > 0) throw new Error(`${braces.length} braces are left open`);
  return tokens;
}

interface Found {
  readonly kind: Token['kind'];
  /** Empty where it does not end. */
  readonly raw: string;
}

function nextToken(source: string, at: number, before: Token | undefined, braces: boolean[]): Found {
  const first = source[at] ?? '';
  if (first === '{') braces.push(false);
  if (first === '`' || (first === '}' && braces.pop())) {
    const part = matchAt(TEMPLATE, source, at + 1);
    if (part.endsWith('{')) braces.push(true);
    return { kind: 'template', raw: part && first + part };
  }
  const found = PATTERNS.map(([kind, pattern]) => ({ kind, raw: matchAt(pattern, source, at) })).find(
    ({ raw }) => raw !== '',
  );
  const regex = found?.raw === '/' && opensExpression(before) ? matchAt(REGEX, source, at) : '';
  return regex === '' ? (found ?? { kind: 'text', raw: '' }) : { kind: 'regex', raw: regex };
}

function matchAt(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? '';
}

function opensExpression(before: Token | undefined): boolean {
  if (before === undefined || before.kind === 'comment') return true;
  if (before.kind === 'word') return BEFORE_EXPRESSION.test(before.text);
  if (before.kind === 'template') return before.text.endsWith('{');
  return before.kind === 'mark' && !/^[)\]}]$/.test(before.text);
}

/** The tokens that are code: what a rule about words and marks looks at. */
export function codeOf(source: string): Token[] {
  return tokensOf(source).filter(({ kind }) => kind !== 'comment');
}

/** In the order of the file. */
export function importsOf(source: string): Import[] {
  const code = codeOf(source);
  return code.flatMap((token, index) => {
    const isOwnWord = token.kind === 'word' && code[index - 1]?.text !== '.';
    if (isOwnWord && token.text === 'import') return readImport(code, index);
    if (isOwnWord && token.text === 'export') return readReexport(code, index);
    return [];
  });
}

function readImport(code: readonly Token[], index: number): Import[] {
  const [{ line }, next, further] = [code[index] as Token, code[index + 1], code[index + 2]];
  if (next?.text === '.') return [];
  if (next?.kind === 'text') return [{ from: next.text, isType: false, isDynamic: false, line }];
  if (next?.text === '(') {
    const isType = code[index - 1]?.text === 'typeof';
    const isPlain = further?.kind === 'text' && code[index + 3]?.text === ')';
    return [{ from: isPlain ? further.text : undefined, isType, isDynamic: !isType, line }];
  }
  const isType = next?.text === 'type' && further?.text !== 'from' && further?.text !== ',';
  return [{ from: sourceAfter(code, index), isType, isDynamic: false, line }];
}

function readReexport(code: readonly Token[], index: number): Import[] {
  const isType = code[index + 1]?.text === 'type';
  const open = index + (isType ? 2 : 1);
  const opening = code[open]?.text;
  if (opening !== '{' && opening !== '*') return [];
  const close = opening === '*' ? open : code.findIndex(({ text }, at) => at > open && text === '}');
  const hasSource = opening === '*' || code[close + 1]?.text === 'from';
  const line = code[index]?.line ?? 0;
  return hasSource ? [{ from: sourceAfter(code, close), isType, isDynamic: false, line }] : [];
}

/** The string behind the next `from` that has one behind it: `from` may be the name of an import too. */
function sourceAfter(code: readonly Token[], index: number): string | undefined {
  const at = code.findIndex(
    ({ kind, text }, place) =>
      place > index && kind === 'word' && text === 'from' && code[place + 1]?.kind === 'text',
  );
  return at === -1 ? undefined : code[at + 1]?.text;
}
