/**
 * The text of a shared credentials file in, its lines and what they are out. A line is what botocore (Python's
 * configparser) takes it for, since botocore refuses a whole file for one profile that stands in it twice. Where the
 * SDK for JavaScript sees a nested block that botocore does not, that is told besides.
 *
 * Source: "Shared config and credentials files" (AWS SDKs and Tools reference); configparser of Python 3.
 */

export interface Line {
  readonly text: string;
  /** `\n`, `\r\n`, `\r`, or nothing at the end of the file. */
  readonly end: string;
}

/** A key with its value, and the lines that continue it. */
export interface Entry {
  /** In lower case, as it is compared. */
  readonly key: string;
  readonly at: number;
  readonly indent: number;
  /** Lines of the value below the first one. */
  readonly continued: number[];
  /** The SDK for JavaScript takes it for a part of the block above. */
  readonly isNestedInJs: boolean;
}

export interface Section {
  readonly name: string;
  /** The line of its header. */
  readonly at: number;
  readonly entries: Entry[];
  /** Lines that continue a value here, and are keys to the SDK for JavaScript: keys that somebody has indented. */
  readonly strays: Array<Pick<Entry, 'key' | 'at'>>;
  hasComment: boolean;
  /** How far the header of the section below is indented. */
  nextIndent: number;
  /** Lines that continue a value for botocore, and begin a section for the SDKs for JavaScript and Go. */
  readonly disputedHeaders: Array<{ readonly name: string; readonly at: number }>;
}

/** As a character, and as its bytes read as Latin-1. */
export const BYTE_ORDER_MARK = /^(\uFEFF|\u00EF\u00BB\u00BF)/;

export function splitLines(text: string): Line[] {
  const parts = text.split(/(\r\n|\n|\r)/);
  const lines = [];
  for (let index = 0; index < parts.length; index += 2) {
    lines.push({ text: parts[index] ?? '', end: parts[index + 1] ?? '' });
  }
  return lines;
}

/** @param isEdited keys that will have values, whatever they have now */
export function parseSections(lines: readonly Line[], isEdited: (key: string) => boolean): Section[] {
  const sections: Section[] = [];
  let isInJsBlock = false;
  for (const [at, line] of lines.entries()) {
    const text = at === 0 ? line.text.replace(BYTE_ORDER_MARK, '') : line.text;
    // Not \s, which holds characters that are parts of others where bytes are read as Latin-1.
    const indent = /^[ \t\f\v]*/.exec(text)?.[0].length ?? 0;
    const word = text.slice(indent);
    const isNestedInJs: boolean = isInJsBlock && indent > 0;
    const isHeader: boolean = addLine(sections, word, { at, indent, isNestedInJs });
    isInJsBlock =
      !isHeader && (isEdited(keyOf(word)) ? isNestedInJs : opensJsBlock(word, indent, isInJsBlock));
  }
  return sections;
}

type Place = Pick<Entry, 'at' | 'indent' | 'isNestedInJs'>;

/** Says whether the line is a header. */
function addLine(sections: Section[], word: string, place: Place): boolean {
  const section = sections.at(-1);
  if (word === '') return false;
  if (/^[#;]/.test(word)) {
    if (section) section.hasComment = true;
    return false;
  }
  const key = keyOf(word);
  const above = section?.entries.at(-1);
  if (above && place.indent > above.indent) {
    above.continued.push(place.at);
    const disputed = /^\[([^\]]+)\]/.exec(word)?.[1];
    if (disputed !== undefined) section?.disputedHeaders.push({ name: disputed.trim(), at: place.at });
    if (!place.isNestedInJs) section?.strays.push({ key, at: place.at });
    return false;
  }
  const name = /^\[(.+)\]/.exec(word)?.[1];
  if (name !== undefined) {
    if (section) section.nextIndent = place.indent;
    sections.push(newSection(name, place.at));
    return true;
  }
  section?.entries.push({ key, ...place, continued: [] });
  return false;
}

function newSection(name: string, at: number): Section {
  return { name, at, entries: [], strays: [], hasComment: false, nextIndent: 0, disputedHeaders: [] };
}

function keyOf(word: string): string {
  return (word.split(/[=:]/, 1)[0] ?? '').trim().toLowerCase();
}

/** There, a key without a value opens a block, and the next one that is not indented and has a value ends it. */
function opensJsBlock(word: string, indent: number, isOpen: boolean): boolean {
  const [code = ''] = word.split(/(?:^|\s)[;#]/, 1);
  const equals = code.indexOf('=');
  if (equals < 1) return isOpen;
  return code.slice(equals + 1).trim() === '' || (isOpen && indent > 0);
}
