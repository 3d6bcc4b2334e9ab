/**
 * The text of a shared credentials file and a profile's new values in, the text with these values out, and every other
 * byte as it was: comments, order, nested blocks, other profiles, line ends. Pure.
 *
 * Source: "Shared config and credentials files" (AWS SDKs and Tools reference).
 */
import { FileFault } from '../../files/file-fault.js';
import type { Entry, Line, Section } from './profile-lines.js';
import { BYTE_ORDER_MARK, parseSections, splitLines } from './profile-lines.js';

export interface ProfileEdit {
  /** Values by key, in the order in which new ones are written. Single words: see `isWritable`. */
  readonly values: Readonly<Record<string, string>>;
  /** Keys that must not stay beside them. */
  readonly remove: readonly string[];
}

/** By line: its new text, or undefined where it goes. */
type Changes = Map<number, string | undefined>;

/**
 * Sets the values in a profile. A key that stands there keeps its place and its way of writing; the others go behind
 * those, or below the header. A profile that is not there is added at the end. Where it stands there twice, the
 * keys go from the second one, and its header too, where nothing else is below it.
 *
 * @param text with bytes read as Latin-1, every encoding survives; `profile` must have the same form then
 * @throws FileFault `ERR_DISPUTED_HEADER`: readers disagree about where profiles begin
 */
export function editProfile(text: string, profile: string, edit: ProfileEdit): string {
  const lines = splitLines(text);
  const sections = parseSections(lines, (key) => isEdited({ key }, edit));
  assertUndisputed(sections, profile, edit);
  const [section, ...doubles] = sections.filter(({ name }) => name === profile);
  if (section === undefined) return appendProfile(lines, profile, edit);
  const changes: Changes = new Map();
  for (const { strays } of [section, ...doubles]) {
    for (const stray of strays) if (isEdited(stray, edit)) changes.set(stray.at, undefined);
  }
  for (const double of doubles) clear(double, edit, changes);
  const kept = replaceValues(section, lines, edit, changes);
  const last = kept.at(-1) ?? section;
  // Less than the header below, that header would continue the value of the new key.
  const indent = kept.at(-1)?.indent ?? section.entries[0]?.indent ?? section.nextIndent;
  const missing = Object.entries(edit.values)
    .filter(([key]) => !kept.some((entry) => entry.key === key))
    .map(([key, value]) => `${' '.repeat(indent)}${key} = ${value}`);
  return joinLines(lines, changes, { behind: last.at, added: missing });
}

/**
 * An indented header below a key begins a profile for some readers and continues a value for others. What is edited must
 * lie on neither side of it: no text would then suit all readers.
 *
 * @throws FileFault `ERR_DISPUTED_HEADER`
 */
function assertUndisputed(sections: readonly Section[], profile: string, edit: ProfileEdit): void {
  for (const section of sections) {
    const edited = section.entries.filter((entry) => section.name === profile && isEdited(entry, edit));
    const lastEdited = Math.max(-1, ...edited.flatMap(({ at, continued }) => [at, ...continued]));
    const disputed = section.disputedHeaders.find(({ name, at }) => name === profile || at <= lastEdited);
    if (disputed !== undefined) {
      throw new FileFault(
        'ERR_DISPUTED_HEADER',
        `line ${disputed.at + 1} is an indented [section] below a key, which AWS programs read in different ways`,
        'remove the blanks before the bracket, or the line',
      );
    }
  }
}

/** Whether a value reads as itself for every SDK: one word of printable ASCII, and not the beginning of a comment. */
export function isWritable(value: string): boolean {
  return /^[\x21-\x7E]+$/.test(value) && !/^[#;]/.test(value);
}

function isEdited({ key }: Pick<Entry, 'key'>, { values, remove }: ProfileEdit): boolean {
  return Object.hasOwn(values, key) || remove.includes(key);
}

function drop({ at, continued }: Entry, changes: Changes): void {
  for (const line of [at, ...continued]) changes.set(line, undefined);
}

function clear(section: Section, edit: ProfileEdit, changes: Changes): void {
  const ours = section.entries.filter((entry) => isEdited(entry, edit));
  for (const entry of ours) drop(entry, changes);
  // An indented header below must not come below a key, whose value it would continue.
  const isNeeded = section.hasComment || section.nextIndent > 0;
  if (ours.length === section.entries.length && !isNeeded) changes.set(section.at, undefined);
}

/** @returns the entries that stay, in the order of the file */
function replaceValues(
  section: Section,
  lines: readonly Line[],
  edit: ProfileEdit,
  changes: Changes,
): Entry[] {
  const kept: Entry[] = [];
  for (const entry of section.entries.filter((candidate) => isEdited(candidate, edit))) {
    drop(entry, changes);
    const value = edit.values[entry.key];
    if (value === undefined || entry.isNestedInJs || kept.some(({ key }) => key === entry.key)) continue;
    kept.push(entry);
    changes.set(entry.at, `${keyPart(lines[entry.at]?.text ?? '', entry)}${value}`);
  }
  return kept;
}

/** What stands before the value: as it was, where every SDK reads it so. */
function keyPart(text: string, { key, indent }: Entry): string {
  const [own, name] = /^[ \t\f\v]*(?:([^=: \t\f\v]+)[ \t\f\v]*)?=[ \t\f\v]*/.exec(text) ?? [];
  return own !== undefined && name === key ? own : `${text.slice(0, indent)}${key} = `;
}

function appendProfile(lines: readonly Line[], profile: string, { values }: ProfileEdit): string {
  const end = lines[0]?.end || '\n';
  const text = lines.map((line) => `${line.text}${line.end}`).join('');
  const isEmpty = text.replace(BYTE_ORDER_MARK, '') === '';
  const isEnded = lines.at(-1)?.text === '';
  const hasGap = isEmpty || (isEnded && lines.at(-2)?.text.trim() === '');
  const before = `${isEmpty || isEnded ? '' : end}${hasGap ? '' : end}`;
  const added = [`[${profile}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`)];
  return `${text}${before}${added.map((line) => `${line}${end}`).join('')}`;
}

function joinLines(
  lines: readonly Line[],
  changes: Changes,
  { behind, added }: { readonly behind: number; readonly added: readonly string[] },
): string {
  const usual = lines[0]?.end || '\n';
  const mark = BYTE_ORDER_MARK.exec(lines[0]?.text ?? '')?.[0] ?? '';
  const all = lines.flatMap((line, index) => {
    const own = changes.has(index) ? changes.get(index) : line.text;
    const texts = [own, ...(index === behind ? added : [])].filter((one) => one !== undefined);
    // At the end of a file without a line end, the last of several lines has none either.
    return texts.map((one, at) => `${one}${at < texts.length - 1 ? line.end || usual : line.end}`);
  });
  const text = all.join('');
  return text.startsWith(mark) ? text : `${mark}${text}`;
}
