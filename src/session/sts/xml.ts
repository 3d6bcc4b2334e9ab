/**
 * Reads the XML of STS's responses: elements, text, and the predefined and numeric entities. Comments, CDATA,
 * processing instructions and document types do not occur there and are refused, so that no entity can be
 * declared.
 *
 * Source: XML 1.0, sections 2.4, 3.1 and 4.1.
 */

export interface XmlElement {
  /** Without a namespace prefix: STS uses none. */
  readonly name: string;
  /** Text between the tags, with entities replaced. Surrounding spaces are kept. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  text: string;
  readonly children: XmlElement[];
}

const MAX_DEPTH = 20;

/** A start tag: a name, attributes, and a slash if the element is empty. */
const START_TAG = /^([A-Za-z_][\w.-]*)(?:\s+[\w:.-]+=(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)$/;

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The root element; undefined if the text is not the XML that this reads. */
export function parseXml(text: string): XmlElement | undefined {
  const root: OpenElement = { name: '', text: '', children: [] };
  const open = [root];
  let at = afterDeclaration(text);
  while (at < text.length) {
    const start = text.indexOf('<', at);
    const content = decodeEntities(text.slice(at, start < 0 ? undefined : start));
    const current = open.at(-1);
    if (content === undefined || current === undefined) return undefined;
    current.text += content;
    if (start < 0) break;
    const end = text.indexOf('>', start);
    if (end < 0 || !applyTag(text.slice(start + 1, end), open)) return undefined;
    at = end + 1;
  }
  const isWhole = open.length === 1 && root.children.length === 1 && root.text.trim() === '';
  return isWhole ? root.children[0] : undefined;
}

function afterDeclaration(text: string): number {
  const start = text.startsWith('\uFEFF') ? 1 : 0;
  if (!text.startsWith('<?xml', start)) return start;
  const end = text.indexOf('?>', start);
  return end < 0 ? start : end + 2;
}

/** Opens or closes an element. @returns false if the tag is malformed or closes another element */
function applyTag(tag: string, open: OpenElement[]): boolean {
  if (tag.startsWith('/')) {
    const closed = open.length > 1 ? open.pop() : undefined;
    return closed !== undefined && closed.name === tag.slice(1).trim();
  }
  const [, name, slash] = START_TAG.exec(tag) ?? [];
  if (name === undefined || open.length > MAX_DEPTH) return false;
  const element: OpenElement = { name, text: '', children: [] };
  open.at(-1)?.children.push(element);
  if (slash === '') open.push(element);
  return true;
}

/** Undefined for a reference that is none of the predefined or numeric ones. */
function decodeEntities(text: string): string | undefined {
  const [first = '', ...rest] = text.split('&');
  let decoded = first;
  for (const part of rest) {
    const end = part.indexOf(';');
    const character = end < 0 ? undefined : decodeEntity(part.slice(0, end));
    if (character === undefined) return undefined;
    decoded += character + part.slice(end + 1);
  }
  return decoded;
}

function decodeEntity(name: string): string | undefined {
  if (Object.hasOwn(ENTITIES, name)) return ENTITIES[name];
  const [, hexadecimal, decimal] = /^#(?:x([\da-fA-F]{1,6})|(\d{1,7}))$/.exec(name) ?? [];
  const code = hexadecimal === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hexadecimal, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

/** The one child of this name; undefined if there is none or more than one. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  const found = element?.children.filter((child) => child.name === name) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

/** The text of the one child of this name, without surrounding spaces; undefined if it is empty. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const child = childOf(element, name);
  return child === undefined || child.children.length > 0 ? undefined : child.text.trim() || undefined;
}
