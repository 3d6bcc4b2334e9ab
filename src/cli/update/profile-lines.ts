/**
 * Parses a shared credentials file into sections and entries, by line number. Lines are read as botocore
 * (Python's configparser) reads them, since botocore refuses a whole file for one duplicate key. Lines that
 * the SDKs for JavaScript and Go read differently are marked.
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
  /** In lower case: keys are compared without case. */
  readonly key: string;
  readonly at: number;
  readonly indent: number;
  /** Lines of the value after the first one. */
  readonly continued: number[];
  /** The SDK for JavaScript or the one for Go reads it as part of the block above. */
  readonly isNested: boolean;
}

export interface Section {
  readonly name: string;
  /** The line of the header. */
  readonly at: number;
  readonly entries: Entry[];
  /** Indented lines that continue a value for botocore and are keys for the SDK for JavaScript or Go. */
  readonly strays: Array<Pick<Entry, 'key' | 'at'>>;
  hasComment: boolean;
  /**
   * The last line of the section, without blank lines at the end of the file and comments directly above the
   * next header.
   */
  end: number;
  /** The SDK for JavaScript or the one for Go reads an indented line after the section as nested. */
  endsInBlock: boolean;
  /** Indent of the next section's header, 0 for the last section. */
  nextIndent: number;
  /** Lines that continue a value for botocore and begin a section for the SDKs for JavaScript and Go. */
  readonly disputedHeaders: Array<{ readonly name: string; readonly at: number }>;
}

/** The byte order mark, as a character or as its UTF-8 bytes read as Latin-1. */
export const BYTE_ORDER_MARK = /^(\uFEFF|\u00EF\u00BB\u00BF)/;

export function splitLines(text: string): Line[] {
  const parts = text.split(/(\r\n|\n|\r)/);
  const lines = [];
  for (let index = 0; index < parts.length; index += 2) {
    lines.push({ text: parts[index] ?? '', end: parts[index + 1] ?? '' });
  }
  return lines;
}

/** @param isEdited tells the keys that will have values after the edit, and so open no nested block */
export function parseSections(lines: readonly Line[], isEdited: (key: string) => boolean): Section[] {
  const sections: Section[] = [];
  let inBlock = { js: false, go: false };
  for (const [at, line] of lines.entries()) {
    const text = at === 0 ? line.text.replace(BYTE_ORDER_MARK, '') : line.text;
    // Not \s: it matches A0, which is part of UTF-8 characters when bytes are read as Latin-1.
    const indent = /^[ \t\f\v]*/.exec(text)?.[0].length ?? 0;
    const word = text.slice(indent);
    const nested = { js: inBlock.js && indent > 0, go: inBlock.go && indent > 0 };
    const isHeader = addLine(sections, word, { at, indent, nested });
    if (isHeader) inBlock = { js: false, go: false };
    else if (isEdited(keyOf(word))) inBlock = nested;
    else {
      inBlock = {
        js: opensJsBlock(word, indent, inBlock.js),
        go: opensGoBlock(word, indent, inBlock.go),
      };
    }
    const section = sections.at(-1);
    if (section !== undefined) section.endsInBlock = inBlock.js || inBlock.go;
  }
  for (const [index, section] of sections.entries()) {
    section.end = lastLineOf(section, sections[index + 1], lines);
  }
  return sections;
}

/** Indented comments stay where they are: they continue a value for the SDK for Rust. */
function lastLineOf(section: Section, next: Section | undefined, lines: readonly Line[]): number {
  const isSkipped = next === undefined ? /^[ \t\f\v]*$/ : /^[#;]/;
  let end = (next?.at ?? lines.length) - 1;
  while (end > section.at && isSkipped.test(lines[end]?.text ?? '')) end--;
  return end;
}

interface Place extends Pick<Entry, 'at' | 'indent'> {
  /** Which SDKs read the line as part of a nested block. */
  readonly nested: { readonly js: boolean; readonly go: boolean };
}

/** @returns whether the line is a header */
function addLine(sections: Section[], word: string, place: Place): boolean {
  const section = sections.at(-1);
  if (word === '') return false;
  if (/^[#;]/.test(word)) {
    if (section) section.hasComment = true;
    return false;
  }
  const key = keyOf(word);
  const above = section?.entries.at(-1);
  if (section && above && place.indent > above.indent) {
    above.continued.push(place.at);
    addContinued(section, word, place);
    return false;
  }
  const name = /^\[(.+)\]/.exec(word)?.[1];
  if (name !== undefined) {
    if (section) section.nextIndent = place.indent;
    sections.push(newSection(name, place.at));
    return true;
  }
  const { at, indent, nested } = place;
  section?.entries.push({ key, at, indent, isNested: nested.js || nested.go, continued: [] });
  return false;
}

/** A line that continues a value for botocore may be a header or a key for other SDKs. */
function addContinued(section: Section, word: string, { at, nested }: Place): void {
  const disputed = /^\[([^\]]+)\]/.exec(word)?.[1];
  if (disputed !== undefined) section.disputedHeaders.push({ name: disputed.trim(), at });
  // Below a disputed header a key belongs to another profile for these SDKs.
  const isKey = !(nested.js && nested.go) && section.disputedHeaders.length === 0;
  if (isKey) section.strays.push({ key: keyOf(word), at });
}

function newSection(name: string, at: number): Section {
  return {
    name,
    at,
    entries: [],
    strays: [],
    hasComment: false,
    end: at,
    endsInBlock: false,
    nextIndent: 0,
    disputedHeaders: [],
  };
}

function keyOf(word: string): string {
  return (word.split(/[=:]/, 1)[0] ?? '').trim().toLowerCase();
}

/** A key without a value opens a block; the next unindented key with a value closes it. */
function opensJsBlock(word: string, indent: number, isOpen: boolean): boolean {
  const [code = ''] = word.split(/(?:^|\s)[;#]/, 1);
  const equals = code.indexOf('=');
  if (equals < 1) return isOpen;
  return code.slice(equals + 1).trim() === '' || (isOpen && indent > 0);
}

/**
 * As for JavaScript, but a colon is a separator too, and `#` after the separator of an indented key is a
 * value.
 */
function opensGoBlock(word: string, indent: number, isOpen: boolean): boolean {
  const [code = ''] = indent > 0 ? [word] : word.split(/(?:^|\s)[;#]/, 1);
  const separator = code.search(/[=:]/);
  if (separator === -1) return isOpen;
  return (isOpen && indent > 0) || code.slice(separator + 1).trim() === '';
}
