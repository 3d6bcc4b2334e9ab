/** Splits JSON text into its string literals and the text between them, in time linear in its length. */

export interface JsonPart {
  readonly text: string;
  /** The text is a string literal, quotation marks included. */
  readonly isString: boolean;
}

export function splitJson(text: string): JsonPart[] {
  const parts: JsonPart[] = [];
  for (let at = 0; at < text.length; ) {
    const begin = text.indexOf('"', at);
    const next = begin === -1 ? text.length : begin;
    parts.push({ text: text.slice(at, next), isString: false });
    if (begin === -1) break;
    const end = endOfString(text, begin);
    parts.push({ text: text.slice(begin, end), isString: true });
    at = end;
  }
  return parts;
}

/** The index after the closing quotation mark; the length of the text if there is none. */
function endOfString(text: string, begin: number): number {
  for (let at = begin + 1; at < text.length; at += text[at] === '\\' ? 2 : 1) {
    if (text[at] === '"') return at + 1;
  }
  return text.length;
}
