/** Mutations that know the structure of what they change: bytes, DER, PEM, lines of text, JSON. */
import type { Dice } from './dice.js';

/** Inputs stay below this, unless the fixture is larger; readers of files refuse more than 1 MiB. */
const MOST_BYTES = 600_000;

/** From other fixtures, to splice in. */
export type Others = readonly Buffer[];

export function mutateBytes(input: Buffer, dice: Dice, others: Others): Buffer {
  const at = dice.number(input.length + 1);
  const length = dice.chance(0.7) ? dice.number(8) + 1 : dice.number(input.length + 1);
  const [before, after] = [input.subarray(0, at), input.subarray(at)];
  switch (dice.number(7)) {
    case 0: {
      const copy = Buffer.from(input);
      for (let flips = dice.number(4) + 1; flips > 0 && copy.length > 0; flips--) {
        const place = dice.number(copy.length);
        copy[place] = (copy[place] ?? 0) ^ (1 << dice.number(8));
      }
      return copy;
    }
    case 1:
      return Buffer.concat([before, after.subarray(length)]);
    case 2:
      return Buffer.concat([before, dice.bytes(Math.min(length, 64)), after]);
    case 3:
      return Buffer.concat([before, after.subarray(0, length), after]);
    case 4:
      return before;
    case 5: {
      const other = dice.pick(others);
      const from = dice.number(other.length);
      return Buffer.concat([before, other.subarray(from, from + length), after.subarray(length)]);
    }
    default: {
      const copy = Buffer.from(input);
      copy.fill(dice.pick([0, 0xff, 0x20, 0x0a, 0x41, 0x80]), at, Math.min(at + length, copy.length));
      return copy;
    }
  }
}

interface Element {
  readonly tag: number;
  readonly header: number;
  readonly start: number;
  readonly end: number;
}

/** Every recognisable element of a DER text, at any depth. */
function elementsOf(der: Buffer): Element[] {
  const found: Element[] = [];
  collect(der, 0, der.length, 0, found);
  return found;
}

function collect(der: Buffer, from: number, to: number, depth: number, found: Element[]): void {
  for (let at = from; at + 2 <= to; ) {
    const [tag = 0, first = 0] = der.subarray(at, at + 2);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    if (octets > 4 || at + 2 + octets > to) return;
    const length = octets === 0 ? first : der.readUIntBE(at + 2, octets);
    const header = 2 + octets;
    const end = at + header + length;
    if (end > to) return;
    found.push({ tag, header, start: at, end });
    const isInside = (tag & 0x20) !== 0 || tag === 0x04;
    if (isInside && depth < 30) collect(der, at + header, end, depth + 1, found);
    at = end;
  }
}

export function encode(tag: number, content: Buffer): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const octets = Math.ceil(length.toString(16).length / 2);
  const header = Buffer.alloc(2 + octets);
  header[0] = tag;
  header[1] = 0x80 | octets;
  header.writeUIntBE(length, 2, octets);
  return Buffer.concat([header, content]);
}

/** Replaces one element and corrects the lengths of those around it, so that the rest is still read. */
export function mutateDer(der: Buffer, dice: Dice, others: Others): Buffer {
  const elements = elementsOf(der);
  if (elements.length === 0 || dice.chance(0.15)) return mutateBytes(der, dice, others);
  const chosen = dice.pick(elements);
  const whole = der.subarray(chosen.start, chosen.end);
  const content = der.subarray(chosen.start + chosen.header, chosen.end);
  return replaceElement(der, elements, chosen, newElement({ tag: chosen.tag, whole, content }, dice, others));
}

interface Chosen {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

function newElement({ tag, whole, content }: Chosen, dice: Dice, others: Others): Buffer {
  switch (dice.number(10)) {
    case 0:
      return Buffer.alloc(0);
    case 1:
      return repeat(whole, dice.pick([2, 2, 3, 300, 5000]));
    case 2:
      return encode(
        dice.pick([0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x17, 0x18, 0x30, 0x31, 0xa0, 0x24]),
        content,
      );
    case 3:
      return encode(tag, interestingContent(tag, dice));
    case 4:
      return encode(tag, mutateBytes(content, dice, others));
    case 5: {
      const other = dice.pick(others);
      const spliced = elementsOf(other);
      const { start, end } = spliced.length > 0 ? dice.pick(spliced) : { start: 0, end: 0 };
      return other.subarray(start, end);
    }
    case 6: {
      let nested = whole;
      for (let depth = dice.pick([1, 40, 2000]); depth > 0; depth--) nested = encode(0x30, nested);
      return nested;
    }
    case 7:
      // A length that is wrong, indefinite, or longer than necessary.
      return Buffer.concat([Buffer.from([tag]), dice.pick(ODD_LENGTHS), content]);
    case 8:
      return encode(tag, Buffer.concat([content, content]));
    default:
      return encode(tag, repeat(Buffer.from([0x30, 0]), dice.pick([1, 1000, 100_000])));
  }
}

const ODD_LENGTHS = ['80', '84ffffffff', '8400000001', '81ff', '00', '7f', '88ffffffffffffffff', 'ff'].map(
  (hex) => Buffer.from(hex, 'hex'),
);

function repeat(part: Buffer, times: number): Buffer {
  const most = Math.max(1, Math.floor(MOST_BYTES / Math.max(1, part.length)));
  return Buffer.concat(Array.from({ length: Math.min(times, most) }, () => part));
}

function interestingContent(tag: number, dice: Dice): Buffer {
  if (tag === 0x17 || tag === 0x18) {
    return Buffer.from(
      dice.pick(['', '2606011200Z', '260601120000+0100', '99999999999999Z', '20260601Z', 'Z']),
    );
  }
  if (tag === 0x06)
    return dice.pick(['', '80', 'ffffffffffffffffffff7f', '2a']).length ? dice.bytes(6) : Buffer.alloc(0);
  return Buffer.from(
    dice.pick([
      '',
      '00',
      '01',
      'ff',
      '7fffffff',
      '0080000000',
      '00ffffffffffffffff',
      '0098967f',
      '05f5e100',
      '0400',
    ]),
    'hex',
  );
}

/** The elements around the chosen one get new lengths, from the innermost out. */
function replaceElement(der: Buffer, elements: readonly Element[], chosen: Element, element: Buffer): Buffer {
  const around = elements
    .filter(
      ({ start, end, header }) => start + header <= chosen.start && end >= chosen.end && start < chosen.start,
    )
    .sort((one, other) => other.start - one.start);
  let [part, start, end] = [element, chosen.start, chosen.end];
  for (const outer of around) {
    const content = [der.subarray(outer.start + outer.header, start), part, der.subarray(end, outer.end)];
    [part, start, end] = [encode(outer.tag, Buffer.concat(content)), outer.start, outer.end];
  }
  return Buffer.concat([der.subarray(0, start), part, der.subarray(end)]);
}

const BLOCK = /-----BEGIN ([^-\n]*)-----([\s\S]*?)-----END [^-\n]*-----/g;

/** Of a file with PEM blocks: the DER inside one of them, its label, its headers, or the text around it. */
export function mutatePem(input: Buffer, dice: Dice, others: Others): Buffer {
  const text = input.toString('latin1');
  const blocks = [...text.matchAll(BLOCK)];
  if (blocks.length === 0) return mutateDer(input, dice, others);
  if (dice.chance(0.3)) return mutateLines(input, dice, others);
  const { 0: whole, 1: label = '', 2: body = '', index } = dice.pick(blocks);
  const replacement = newBlock({ whole, label, body }, dice, others);
  return Buffer.from(text.slice(0, index) + replacement + text.slice(index + whole.length), 'latin1');
}

interface Block {
  readonly whole: string;
  readonly label: string;
  readonly body: string;
}

function newBlock({ whole, label, body }: Block, dice: Dice, others: Others): string {
  const pem = (name: string, content: string): string =>
    `-----BEGIN ${name}-----${content}-----END ${name}-----`;
  const headers = /^\s*(?:[A-Za-z-]+:.*\n)*/.exec(body)?.[0] ?? '';
  const der = Buffer.from(body.slice(headers.length), 'base64');
  switch (dice.number(8)) {
    case 0:
      return pem(dice.pick(LABELS), body);
    case 1:
      return `${whole}\n`.repeat(Math.min(dice.pick([2, 7, 300]), Math.ceil(MOST_BYTES / whole.length)));
    case 2:
      return pem(label, `\n${dice.pick(HEADERS)}\n\n${body}`);
    case 3:
      return pem(label, `\n${'\n \t'.repeat(dice.pick([1, 10_000, 100_000]))}${body}`);
    default:
      return pem(label, `${headers || '\n'}${mutateDer(der, dice, others).toString('base64')}\n`);
  }
}

const LABELS = [
  ...[
    'CERTIFICATE',
    'PRIVATE KEY',
    'ENCRYPTED PRIVATE KEY',
    'RSA PRIVATE KEY',
    'EC PRIVATE KEY',
    'PKCS7',
    'PKCS12',
  ],
  ...[
    'TRUSTED CERTIFICATE',
    'X509 CRL',
    'CMS',
    'PUBLIC KEY',
    'OPENSSH PRIVATE KEY',
    'TSS2 PRIVATE KEY',
    '',
    'A B',
  ],
];

const HEADERS = [
  'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF',
  'Proc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0011223344556677',
  'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00',
  'Proc-Type: 4,ENCRYPTED\nDEK-Info: __proto__,0011223344556677',
  'Proc-Type: 4,ENCRYPTED',
  `Proc-Type:${' '.repeat(50_000)}`,
  `${'A: b\n'.repeat(10_000)}`,
];

/** Pieces of text that parsers stumble over. */
const PIECES = [
  ...[
    '\0',
    '\r',
    '\n',
    '\r\n',
    '\uFEFF',
    '\u2028',
    '\uD800',
    '\u009B31m',
    '\u202E',
    '%',
    '%00',
    '%zz',
    '=',
    ':',
    '"',
  ],
  ...[
    '[',
    ']',
    '{',
    '}',
    '__proto__',
    'constructor',
    'toString',
    '-1',
    '1e999',
    '9007199254740993',
    'null',
    '../',
  ],
  ...['[default]', '[profile a]', '[ x', 'a = b', '  b = c', '# c', '; d', 'role_arn', '\t'],
];

/** Long runs that make quadratic readers slow. */
const RUNS = [' ', '\t', '\n', '=', ':', ';', ',', '/', '[', '"', '\\', '%', '{', '\n[a]\n', '\na=b', 'A'];

export function mutateLines(input: Buffer, dice: Dice, others: Others): Buffer {
  const text = input.toString('utf8');
  const lines = text.split('\n');
  const at = dice.number(lines.length);
  const place = dice.number(text.length + 1);
  switch (dice.number(8)) {
    case 0:
      return Buffer.from([...lines.slice(0, at), ...lines.slice(at + 1)].join('\n'));
    case 1:
      return Buffer.from([...lines.slice(0, at), lines[at], ...lines.slice(at)].join('\n'));
    case 2: {
      const other = dice.pick(others).toString('utf8').split('\n');
      return Buffer.from([...lines.slice(0, at), dice.pick(other), ...lines.slice(at)].join('\n'));
    }
    case 3:
      return Buffer.from(text.slice(0, place) + dice.pick(PIECES) + text.slice(place));
    case 4: {
      const run = dice.pick(RUNS).repeat(dice.pick([10, 1000, 50_000, 200_000]));
      return Buffer.from((text.slice(0, place) + run + text.slice(place)).slice(0, MOST_BYTES + text.length));
    }
    case 5:
      return Buffer.from(lines.toSorted(() => dice.number(3) - 1).join('\n'));
    default:
      return mutateBytes(input, dice, others);
  }
}

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e300, '', 'a', [], {}, [[]], [null], { a: {} }, '\uD800', '\u0000'],
  ...[
    '-'.repeat(5000),
    'arn:aws:iam::123456789012:role/x',
    { __proto__: 1 },
    Array.from({ length: 3000 }, () => 1),
  ],
];

/** Of a JSON text: replaces, removes or repeats one value, or adds a member; sometimes the text itself. */
export function mutateJson(input: Buffer, dice: Dice, others: Others): Buffer {
  if (dice.chance(0.2)) return mutateLines(input, dice, others);
  let value: unknown;
  try {
    value = JSON.parse(input.toString('utf8'));
  } catch {
    return mutateLines(input, dice, others);
  }
  return Buffer.from(JSON.stringify(mutateValue(value, dice, others)) ?? 'null');
}

function mutateValue(value: unknown, dice: Dice, others: Others): unknown {
  if (typeof value !== 'object' || value === null || dice.chance(0.1)) {
    if (typeof value !== 'string' || dice.chance(0.4)) return dice.pick(VALUES);
    return mutateLines(Buffer.from(value), dice, others).toString('utf8');
  }
  if (Array.isArray(value)) return mutateList(value, dice, others);
  const entries: Array<[string, unknown]> = Object.entries(value);
  if (entries.length === 0 || dice.chance(0.1)) {
    entries.push([dice.pick(PIECES), dice.pick(VALUES)]);
    return fromEntries(entries);
  }
  const at = dice.number(entries.length);
  const [key, member] = entries[at] as [string, unknown];
  if (dice.chance(0.1)) entries.splice(at, 1);
  else entries[at] = [dice.chance(0.1) ? dice.pick(PIECES) : key, mutateValue(member, dice, others)];
  return fromEntries(entries);
}

/** `Object.fromEntries` would be enough, but for `__proto__`, which JSON.parse makes a member of its own. */
function fromEntries(entries: ReadonlyArray<readonly [string, unknown]>): object {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

function mutateList(list: readonly unknown[], dice: Dice, others: Others): unknown[] {
  const at = dice.number(list.length);
  if (list.length === 0) return [dice.pick(VALUES)];
  if (dice.chance(0.1)) return list.toSpliced(at, 1);
  if (dice.chance(0.1)) return Array.from({ length: dice.pick([2, 300]) }, () => list[at]);
  return list.with(at, mutateValue(list[at], dice, others));
}
