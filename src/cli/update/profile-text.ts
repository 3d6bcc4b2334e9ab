/**
 * Sets the keys of one profile in the text of a shared credentials file. All other bytes stay: comments,
 * order, nested blocks, other profiles, line ends. New keys and new profiles are inserted where the Go helper
 * (`aws_signing_helper update`) writes them.
 *
 * Source: "Shared config and credentials files" (AWS SDKs and Tools reference).
 */
import { FileFault } from '../../files/file-fault.js';
import type { Entry, Line, Section } from './profile-lines.js';
import { BYTE_ORDER_MARK, parseSections, splitLines } from './profile-lines.js';

export interface ProfileEdit {
  /** Values by key, in the order in which new ones are written. Single words: see `isWritable`. */
  readonly values: Readonly<Record<string, string>>;
  /** The key among `values` that the Go helper does not write. It follows the others. */
  readonly companion?: string;
  /** Keys to delete from the profile. */
  readonly remove: readonly string[];
}

export interface EditedText {
  readonly text: string;
  /** Keys of the profile's further sections were merged into the first section. */
  readonly isMerged: boolean;
}

/** New texts by line number, undefined for a line that is deleted. */
type Changes = Map<number, string | undefined>;

/** Lines to insert after a line. */
type Additions = Map<number, string[]>;

/**
 * Sets values in a profile. Existing keys keep their place and their spacing; missing keys go to the end of
 * the section; a missing profile is added at the end of the file. Of several sections of the profile the first
 * gets the values; the others lose these keys, and their header if no entry or comment is left below it.
 *
 * @param text bytes read as Latin-1, which keeps every encoding intact; `profile` in the same form
 * @throws FileFault `ERR_DISPUTED_HEADER`: readers disagree about where profiles begin
 */
export function editProfile(text: string, profile: string, edit: ProfileEdit): EditedText {
  const lines = splitLines(text);
  const sections = parseSections(lines, (key) => isEdited({ key }, edit));
  assertUndisputed(sections, profile, edit);
  const [section, ...doubles] = sections.filter(({ name }) => name === profile);
  if (section === undefined) return { text: appendProfile(lines, profile, edit), isMerged: false };
  const changes: Changes = new Map();
  for (const { strays } of [section, ...doubles]) {
    for (const stray of strays) if (isEdited(stray, edit)) changes.set(stray.at, undefined);
  }
  for (const double of doubles) clear(double, edit, changes);
  const kept = replaceValues(section, lines, edit, changes);
  const additions = addMissing(section, kept, edit);
  const isMerged = doubles.some(({ entries }) => entries.some((entry) => isEdited(entry, edit)));
  return { text: joinLines(lines, changes, additions), isMerged };
}

/** Missing keys go to the end of the section, the companion after the others. */
function addMissing(section: Section, kept: readonly Entry[], edit: ProfileEdit): Additions {
  const missing = Object.keys(edit.values).filter((key) => !kept.some((entry) => entry.key === key));
  const atEnd = placeAtEnd(section);
  const behindKept = placeBehind(section, kept);
  const isCompanionAlone = missing.length === 1 && missing[0] === edit.companion;
  const { behind, indent } = isCompanionAlone ? behindKept : (atEnd ?? behindKept);
  const added = missing.map((key) => `${' '.repeat(indent)}${key} = ${edit.values[key]}`);
  return new Map([[behind, added]]);
}

interface NewPlace {
  readonly behind: number;
  readonly indent: number;
}

/**
 * The end of a section, with the indent of its last entry: more would continue that entry's value, less would
 * let an indented header below continue the new one.
 *
 * @returns undefined if the SDK for JavaScript or Go would read a key there as part of something else
 */
function placeAtEnd({
  entries,
  end,
  endsInBlock,
  nextIndent,
  disputedHeaders,
}: Section): NewPlace | undefined {
  const indent = entries.at(-1)?.indent ?? nextIndent;
  const isNested = entries.some(({ isNested }) => isNested) || (endsInBlock && indent > 0);
  return isNested || disputedHeaders.length > 0 ? undefined : { behind: end, indent };
}

/** After the last entry that was kept, or directly below the header. */
function placeBehind({ at, entries, nextIndent }: Section, kept: readonly Entry[]): NewPlace {
  const last = kept.at(-1);
  return { behind: last?.at ?? at, indent: (last ?? entries[0])?.indent ?? nextIndent };
}

/**
 * An indented header below a key begins a profile for some readers and continues a value for others. Keys of
 * the profile may not be edited below such a line, since no text would be right for all readers.
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
        `line ${disputed.at + 1} is an indented [section] below a key, which AWS programs read in ` +
          'different ways',
        'remove the white space before the bracket, or the whole line',
      );
    }
  }
}

/** Whether every SDK reads the value unchanged: one word of printable ASCII that does not begin a comment. */
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
  // Below an entry, an indented header would continue that entry's value.
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
    if (value === undefined || entry.isNested || kept.some(({ key }) => key === entry.key)) continue;
    kept.push(entry);
    changes.set(entry.at, `${keyPart(lines[entry.at]?.text ?? '', entry)}${value}`);
  }
  return kept;
}

/** The text before the value, unchanged if every SDK reads it as this key. */
function keyPart(text: string, { key, indent }: Entry): string {
  const [own, name] = /^[ \t\f\v]*(?:([^=: \t\f\v]+)[ \t\f\v]*)?=[ \t\f\v]*/.exec(text) ?? [];
  return own !== undefined && name === key ? own : `${text.slice(0, indent)}${key} = `;
}

/** As the Go helper does: no blank line before the profile, one after it. */
function appendProfile(lines: readonly Line[], profile: string, { values }: ProfileEdit): string {
  const end = lines[0]?.end || '\n';
  const text = lines.map((line) => `${line.text}${line.end}`).join('');
  const isEnded = lines.at(-1)?.text.replace(BYTE_ORDER_MARK, '') === '';
  const added = [`[${profile}]`, ...Object.entries(values).map(([key, value]) => `${key} = ${value}`), ''];
  return `${text}${isEnded ? '' : end}${added.map((line) => `${line}${end}`).join('')}`;
}

function joinLines(lines: readonly Line[], changes: Changes, additions: Additions): string {
  const usual = lines[0]?.end || '\n';
  const mark = BYTE_ORDER_MARK.exec(lines[0]?.text ?? '')?.[0] ?? '';
  const all = lines.flatMap((line, index) => {
    const own = changes.has(index) ? changes.get(index) : line.text;
    const texts = [own, ...(additions.get(index) ?? [])].filter((one) => one !== undefined);
    // At the end of a file without a line end, the last of several lines has none either.
    return texts.map((one, at) => `${one}${at < texts.length - 1 ? line.end || usual : line.end}`);
  });
  const text = all.join('');
  return text.startsWith(mark) ? text : `${mark}${text}`;
}
