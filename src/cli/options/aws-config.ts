/**
 * Parses `~/.aws/config` as botocore does (Python's `configparser`): a file that the AWS CLI accepts is
 * accepted here, and one that it refuses, such as for a duplicate option or section, is refused here.
 *
 * Source: "Configuration and credential file settings" (AWS CLI user guide); the documentation of
 * `configparser`.
 */
import { OptionError } from '../../errors.js';

/** Keys are in lower case; the indented lines that continue a value are joined with line ends. */
export type Section = ReadonlyMap<string, string>;

/** State of the parser. */
interface Reading {
  readonly sections: Map<string, Map<string, string>>;
  section: string | undefined;
  key: string | undefined;
  /** Indent of the key's line: lines below it with a larger indent continue its value. */
  indent: number;
}

/**
 * @param subject how messages name the file
 * @returns the profiles by name; of two sections for one name, `[default]` and `[profile default]`, the later
 *   one
 * @throws OptionError `ERR_OPTION_INVALID`, with the line
 */
export function parseAwsConfig(text: string, subject: string): ReadonlyMap<string, Section> {
  return sectionsOf(parseSections(text, subject), 'profile');
}

/** JavaScript's SDK reads such a file; Python's `configparser` finds no section in it. */
export function byteOrderMarkError(subject: string): OptionError {
  const message = `${subject} begins with a byte order mark: the AWS CLI and boto3 refuse the whole file`;
  return new OptionError('ERR_OPTION_INVALID', message, { hint: 'save the file as UTF-8 without one' });
}

/** Every section of the file, by the text in its brackets. */
export type Sections = ReadonlyMap<string, Section>;

/**
 * The sections of one kind: `[profile NAME]` (and `[default]`), `[services NAME]`.
 *
 * @param sections as `parseSections` returns them
 */
export function sectionsOf(sections: Sections, kind: 'profile' | 'services'): Sections {
  // The values of [DEFAULT], in capitals, are in every section.
  const defaults = sections.get('DEFAULT') ?? [];
  const named = new Map<string, Section>();
  for (const [title, values] of sections) {
    const name = kind === 'profile' && title === 'default' ? title : nameOf(title, kind);
    if (name !== undefined) named.set(name, trimmed(new Map([...defaults, ...values])));
  }
  return named;
}

/** @throws OptionError `ERR_OPTION_INVALID`, with the line */
export function parseSections(text: string, subject: string): Sections {
  const reading: Reading = { sections: new Map(), section: undefined, key: undefined, indent: 0 };
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const problem = readLine(line, reading);
    if (problem !== undefined) {
      throw new OptionError('ERR_OPTION_INVALID', `${subject} is broken in line ${index + 1}: ${problem}`);
    }
  }
  return reading.sections;
}

/** @returns the fault, or undefined for a valid line */
function readLine(line: string, reading: Reading): string | undefined {
  const content = line.trim();
  if (/^[#;]/.test(content)) return undefined;
  const { sections, section, key } = reading;
  const values = section === undefined ? undefined : sections.get(section);
  const indent = line.search(/\S/);
  if (values !== undefined && key !== undefined && (content === '' || indent > reading.indent)) {
    values.set(key, `${values.get(key)}\n${content}`);
    return undefined;
  }
  if (content === '') return undefined;
  reading.indent = indent;
  const header = /^\[(.+)\]/.exec(content)?.[1];
  if (header !== undefined) return openSection(header, reading);
  if (values === undefined) return 'a [section] must come first';
  return readOption(content, values, reading);
}

function openSection(name: string, reading: Reading): string | undefined {
  if (reading.sections.has(name)) return `section [${name}] is there twice`;
  reading.sections.set(name, new Map());
  reading.section = name;
  reading.key = undefined;
  return undefined;
}

function readOption(content: string, values: Map<string, string>, reading: Reading): string | undefined {
  const at = content.search(/[=:]/);
  const [name, value] = [content.slice(0, Math.max(0, at)).trimEnd(), content.slice(at + 1).trimStart()];
  // Not the line itself: it may hold a secret.
  if (name === '') return 'it must be a [section] or key = value';
  const key = name.toLowerCase();
  if (values.has(key)) return `${/^[a-z0-9_]{1,60}$/.test(key) ? key : 'a key'} is there twice`;
  values.set(key, value);
  reading.key = key;
  return undefined;
}

/** The one word, or the quoted text, after the kind of a section. */
function nameOf(title: string, kind: string): string | undefined {
  if (!title.startsWith(kind)) return undefined;
  const rest = title.slice(kind.length);
  if (!/^\s/.test(rest)) return undefined;
  const [, double, single, bare] = /^(?:"([^"]*)"|'([^']*)'|(\S+))$/.exec(rest.trim()) ?? [];
  return double ?? single ?? bare;
}

function trimmed(values: Section): Section {
  return new Map([...values].map(([key, value]) => [key, value.trimEnd()]));
}
