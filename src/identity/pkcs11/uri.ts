/**
 * Parses PKCS#11 URIs: which token and which object on it are meant, the module to reach them by, and the PIN.
 *
 * Source: RFC 7512, "The PKCS #11 URI Scheme", §2.3 (grammar) and §2.4 (attributes). As a search: an
 * attribute that is not given matches everything.
 */
import { OptionError, quote } from '../../errors.js';

/** Path attributes that are text. */
const TEXT_ATTRIBUTES = {
  token: 'token',
  manufacturer: 'manufacturer',
  serial: 'serial',
  model: 'model',
  object: 'object',
  'slot-manufacturer': 'slotManufacturer',
  'slot-description': 'slotDescription',
  'library-manufacturer': 'libraryManufacturer',
  'library-description': 'libraryDescription',
  'library-version': 'libraryVersion',
} as const;

type TextAttribute = (typeof TEXT_ATTRIBUTES)[keyof typeof TEXT_ATTRIBUTES];

const TYPES = ['public', 'private', 'cert', 'secret-key', 'data'] as const;

const QUERY_ATTRIBUTES = {
  'pin-value': 'pinValue',
  'pin-source': 'pinSource',
  'module-name': 'moduleName',
  'module-path': 'modulePath',
} as const;

type QueryAttribute = (typeof QUERY_ATTRIBUTES)[keyof typeof QUERY_ATTRIBUTES];

export interface Pkcs11Uri extends Readonly<Partial<Record<TextAttribute | QueryAttribute, string>>> {
  /** CKA_ID. */
  readonly id?: Buffer;
  readonly type?: (typeof TYPES)[number];
  readonly slotId?: number;
}

export function isPkcs11Uri(text: string): boolean {
  return /^pkcs11:/i.test(text);
}

/**
 * @param label how messages name the URI, such as `--private-key`. The URI itself is not shown: it may have a
 *   PIN in it.
 * @throws OptionError `ERR_OPTION_INVALID`: an attribute that is unknown, given twice or malformed
 */
export function parsePkcs11Uri(text: string, label: string): Pkcs11Uri {
  const [path = '', ...queries] = text.slice('pkcs11:'.length).split('?');
  if (queries.length > 1) throw invalid(label, 'must have one ?');
  const found = new Map<string, Buffer>();
  for (const pair of path.split(';')) addAttribute(found, pair, isPathAttribute, label);
  for (const pair of (queries[0] ?? '').split('&')) addAttribute(found, pair, isQueryAttribute, label);
  // RFC 7512 §2.4: such a URI should be refused.
  if (found.has('pin-value') && found.has('pin-source'))
    throw invalid(label, 'must have pin-value or pin-source, not both');
  return { ...textsOf(found), ...othersOf(found, label) };
}

function isPathAttribute(name: string): boolean {
  return name in TEXT_ATTRIBUTES || ['id', 'type', 'slot-id'].includes(name) || name.startsWith('x-');
}

function isQueryAttribute(name: string): boolean {
  return name in QUERY_ATTRIBUTES || name.startsWith('x-');
}

function addAttribute(
  found: Map<string, Buffer>,
  pair: string,
  isKnown: (name: string) => boolean,
  label: string,
): void {
  if (pair === '') return;
  const equals = pair.indexOf('=');
  const name = equals === -1 ? pair : pair.slice(0, equals);
  if (equals === -1 || !isKnown(name))
    throw invalid(label, `has an attribute that PKCS#11 URIs do not know: ${quote(name)}`);
  if (found.has(name)) throw invalid(label, `has the attribute ${name} twice`);
  found.set(name, percentDecode(pair.slice(equals + 1), name, label));
}

/** Octets, since an id may be any: text is UTF-8 (RFC 7512 §2.3). */
function percentDecode(value: string, name: string, label: string): Buffer {
  const octets: number[] = [];
  const raw = Buffer.from(value);
  for (let at = 0; at < raw.length; at++) {
    const octet = raw[at] ?? 0;
    if (octet !== 0x25) {
      octets.push(octet);
      continue;
    }
    const digits = raw.toString('latin1', at + 1, at + 3);
    if (!/^[0-9a-f]{2}$/i.test(digits)) throw invalid(label, `must have two hex digits after % in ${name}`);
    octets.push(Number.parseInt(digits, 16));
    at += 2;
  }
  return Buffer.from(octets);
}

function textsOf(found: ReadonlyMap<string, Buffer>): Pkcs11Uri {
  const names = { ...TEXT_ATTRIBUTES, ...QUERY_ATTRIBUTES };
  const entries = Object.entries(names).flatMap(([name, property]) => {
    const value = found.get(name);
    return value === undefined ? [] : [[property, value.toString()]];
  });
  return Object.fromEntries(entries);
}

function othersOf(found: ReadonlyMap<string, Buffer>, label: string): Pkcs11Uri {
  const [id, type, slot] = ['id', 'type', 'slot-id'].map((name) => found.get(name));
  const kind = TYPES.find((name) => name === type?.toString());
  if (type !== undefined && kind === undefined)
    throw invalid(label, `must have one of ${TYPES.join(', ')} as type`);
  if (slot !== undefined && !/^\d{1,10}$/.test(slot.toString()))
    throw invalid(label, 'must have a number as slot-id');
  return {
    ...(id && { id }),
    ...(kind && { type: kind }),
    ...(slot && { slotId: Number(slot.toString()) }),
  };
}

function invalid(label: string, rule: string): OptionError {
  return new OptionError('ERR_OPTION_INVALID', `the PKCS#11 URI of ${label} ${rule}`, {
    hint: 'show the URIs of a token with `rolesanywhere keys list`',
  });
}

/** The URI of an object, as precise as its attributes allow, for people to copy. */
export function formatPkcs11Uri(attributes: {
  readonly token: string;
  readonly serial?: string;
  readonly id?: Uint8Array | undefined;
  readonly object?: string | undefined;
  readonly type?: Pkcs11Uri['type'];
}): string {
  const { id, type, ...texts } = attributes;
  const pairs = Object.entries(texts)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}=${percentEncode(Buffer.from(value ?? ''))}`);
  if (id !== undefined && id.length > 0) pairs.push(`id=${[...id].map(percent).join('')}`);
  if (type !== undefined) pairs.push(`type=${type}`);
  return `pkcs11:${pairs.join(';')}`;
}

function percentEncode(bytes: Buffer): string {
  return [...bytes]
    .map((octet) =>
      /[A-Za-z0-9._~-]/.test(String.fromCharCode(octet)) ? String.fromCharCode(octet) : percent(octet),
    )
    .join('');
}

function percent(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}
