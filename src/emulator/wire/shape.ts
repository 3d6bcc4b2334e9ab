/**
 * Checks values against shapes of the service models, with the messages of the validator that AWS services
 * share.
 *
 * Rules: https://smithy.io/2.0/spec/constraint-traits.html
 */
import { quote } from '../../errors.js';
import { nearest } from '../../options/values.js';
import type { Refuse } from './handler.js';
import { LONE_SURROGATE, Refusal } from './handler.js';

interface TextShape {
  readonly type: 'string';
  readonly min?: number;
  readonly max?: number;
  /** The pattern of the model; the whole text must match. */
  readonly pattern?: string;
  readonly values?: readonly string[];
  /** Messages do not show the value. */
  readonly isSensitive?: boolean;
}

export interface StructureShape {
  readonly type: 'structure';
  readonly members: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  /** At most one member may be set. */
  readonly isUnion?: boolean;
}

export type Shape =
  | TextShape
  | StructureShape
  | { readonly type: 'integer'; readonly min?: number; readonly max?: number }
  /** Base64; the limits apply to the bytes. */
  | { readonly type: 'blob'; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'list'; readonly member: Shape; readonly min?: number; readonly max?: number }
  /** From text to text; `length` limits keys and values. */
  | {
      readonly type: 'map';
      readonly max?: number;
      readonly length?: { readonly min: number; readonly max: number };
    };

type RequiredOf<S extends StructureShape> = S['required'] extends readonly (infer Name)[] ? Name : never;

/** The type of the values of a shape. */
export type ValueOf<S extends Shape> = S extends { type: 'integer' }
  ? number
  : S extends { type: 'boolean' }
    ? boolean
    : S extends { type: 'list'; member: infer Member extends Shape }
      ? Array<ValueOf<Member>>
      : S extends { type: 'map' }
        ? Record<string, string>
        : S extends StructureShape
          ? { [K in keyof S['members'] & RequiredOf<S>]: ValueOf<S['members'][K]> } & {
              [K in Exclude<keyof S['members'], RequiredOf<S>>]?: ValueOf<S['members'][K]>;
            }
          : S extends { values: readonly (infer Value)[] }
            ? Value
            : string;

/**
 * Returns the value with the members of its shape. Null counts as absent; members that the shape does not have
 * are left out: {@link findUnknownMembers} names them.
 *
 * @param code of the refusal
 * @param reason of the refusal, for the log
 * @throws Refusal 400, naming every constraint that is broken
 */
export function readShape<S extends Shape>(
  shape: S,
  value: unknown,
  code = 'ValidationException',
  reason?: string,
): ValueOf<S> {
  const problems: string[] = [];
  const read = readValue(shape, value, '', problems);
  if (problems.length === 0) return read as ValueOf<S>;
  const detected = problems.length === 1 ? '1 validation error' : `${problems.length} validation errors`;
  throw new Refusal(
    400,
    code,
    `${detected} detected: ${problems.join('; ')}`,
    reason ?? `request: ${problems.length} of its members break the model's constraints`,
  );
}

function readValue(shape: Shape, value: unknown, path: string, problems: string[]): unknown {
  const rule = checkValue(shape, value);
  if (rule !== undefined) {
    problems.push(
      `Value${show(shape, value)} at '${path}' failed to satisfy constraint: Member must ${rule}`,
    );
  } else if (shape.type === 'list' && Array.isArray(value)) {
    return value.map((item, index) => readValue(shape.member, item, `${path}.${index + 1}.member`, problems));
  } else if (shape.type === 'structure') {
    return readStructure(shape, new Map(Object.entries(value as object)), path, problems);
  }
  return value;
}

function readStructure(
  { members, required = [], isUnion = false }: StructureShape,
  given: ReadonlyMap<string, unknown>,
  path: string,
  problems: string[],
): object {
  const prefix = path === '' ? '' : `${path}.`;
  const isGiven = (name: string) => (given.get(name) ?? undefined) !== undefined;
  for (const name of required.filter((one) => !isGiven(one))) {
    problems.push(`Value null at '${prefix}${name}' failed to satisfy constraint: Member must not be null`);
  }
  const known = Object.entries(members).filter(([name]) => isGiven(name));
  if (isUnion && known.length > 1) {
    const names = known.map(([name]) => name).join(', ');
    problems.push(
      `Value '[${names}]' at '${path}' failed to satisfy constraint: Member must have one member set`,
    );
  }
  return Object.fromEntries(
    known.map(([name, shape]) => [
      name,
      readValue(shape, given.get(name) ?? undefined, `${prefix}${name}`, problems),
    ]),
  );
}

const KINDS: Readonly<Record<Shape['type'], readonly [isOf: (value: unknown) => boolean, rule: string]>> = {
  boolean: [(value) => typeof value === 'boolean', 'be a boolean'],
  integer: [Number.isInteger, 'be an integer'],
  string: [(value) => typeof value === 'string', 'be a string'],
  blob: [(value) => typeof value === 'string' && isBase64(value), 'be padded base64'],
  list: [Array.isArray, 'be a list'],
  map: [
    (value) => isObject(value) && Object.values(value).every((one) => typeof one === 'string'),
    'be a map from text to text',
  ],
  structure: [isObject, 'be a structure'],
};

/** The first constraint that the value breaks, apart from its members. */
function checkValue(shape: Shape, value: unknown): string | undefined {
  const [isOf, rule] = KINDS[shape.type];
  if (!isOf(value)) return rule;
  if (shape.type === 'string') return checkText(shape, String(value));
  if (shape.type === 'integer') return checkRange('value', Number(value), shape);
  if (shape.type === 'blob') return checkRange('length', Buffer.from(String(value), 'base64').length, shape);
  if (shape.type === 'map') return checkMap(shape, Object.entries(value as object));
  return shape.type === 'list' && Array.isArray(value)
    ? checkRange('length', value.length, shape)
    : undefined;
}

function checkMap(
  { max, length }: Extract<Shape, { type: 'map' }>,
  entries: ReadonlyArray<readonly [string, unknown]>,
): string | undefined {
  const isWithin = (text: unknown) => checkRange('length', String(text).length, length ?? {}) === undefined;
  if (!entries.flat().every(isWithin)) {
    return `have keys and values of length between ${length?.min} and ${length?.max}`;
  }
  return checkRange('length', entries.length, { max });
}

function checkText({ pattern, values, min, max }: TextShape, text: string): string | undefined {
  if (values !== undefined && !values.includes(text)) {
    return `satisfy enum value set: [${values.join(', ')}]`;
  }
  const length = checkRange('length', [...text].length, { min, max });
  if (length !== undefined || pattern === undefined) return length;
  return new RegExp(`^(?:${pattern})$`, 'u').test(text)
    ? undefined
    : `satisfy regular expression pattern: ${pattern}`;
}

interface Range {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

function checkRange(what: 'length' | 'value', found: number, { min, max }: Range): string | undefined {
  if (min !== undefined && found < min) return `have ${what} greater than or equal to ${min}`;
  if (max !== undefined && found > max) return `have ${what} less than or equal to ${max}`;
  return undefined;
}

/** Node's decoder skips invalid characters: encoding again finds them. */
function isBase64(text: string): boolean {
  return Buffer.from(text, 'base64').toString('base64') === text;
}

/** Hides sensitive values and possible keys, because the log shows the message too. */
function show(shape: Shape, value: unknown): string {
  if (shape.type === 'string' && shape.isSensitive === true) return '';
  if (value === undefined || value === null) return ' null';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return quote(text) === `"${text}"` ? ` '${text}'` : '';
}

export interface UnknownMember {
  readonly name: string;
  /** Names of members and indexes of lists that lead to the structure. */
  readonly path: ReadonlyArray<string | number>;
  /** The members that the structure has. */
  readonly known: readonly string[];
}

/** The members of a value, at any depth, that its shape does not have. */
export function findUnknownMembers(
  shape: Shape,
  value: unknown,
  path: ReadonlyArray<string | number> = [],
): UnknownMember[] {
  if (shape.type === 'list' && Array.isArray(value)) {
    return value.flatMap((item, index) => findUnknownMembers(shape.member, item, [...path, index]));
  }
  if (shape.type !== 'structure' || !isObject(value)) return [];
  const { members }: StructureShape = shape;
  return Object.entries(value).flatMap(([name, item]) => {
    const member = Object.hasOwn(members, name) ? members[name] : undefined;
    if (member !== undefined) return findUnknownMembers(member, item, [...path, name]);
    return (item ?? undefined) === undefined ? [] : [{ name, path, known: Object.keys(members) }];
  });
}

/**
 * Refuses members that the emulator does not implement: dropped silently, a setting would seem to be in force.
 *
 * @throws Refusal 400, naming the first of them
 */
export function refuseUnknownMembers(
  shape: Shape,
  value: unknown,
  operation: string,
  code = 'ValidationException',
) {
  const [unknown] = findUnknownMembers(shape, value);
  if (unknown === undefined) return;
  const name = [...unknown.path, unknown.name].join('.');
  const suggestion = nearest(unknown.name, unknown.known);
  const message = `The emulator does not implement the member '${name}' of ${operation}${suggestion}`;
  throw new Refusal(
    400,
    code,
    message,
    `request: ${operation} has ${unknown.known.join(', ')}, found ${name}`,
  );
}

/** The object of a JSON body; empty for an empty body. */
export function readJsonObject(body: Uint8Array, refuse: Refuse): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    // A byte order mark stays in the text, and is no JSON (RFC 8259 section 8.1).
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    const value: unknown = JSON.parse(text, refuseSurrogates);
    if (isObject(value)) return { ...value };
  } catch {
    // One answer for both: no JSON, and no object.
  }
  throw refuse('body: must be a JSON object in UTF-8, or empty');
}

/** JSON can escape half a character (`\ud800`), which the answer in UTF-8 could not repeat. */
function refuseSurrogates(key: string, value: unknown): unknown {
  if (LONE_SURROGATE.test(key) || (typeof value === 'string' && LONE_SURROGATE.test(value))) {
    throw new Error('a lone surrogate');
  }
  return value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
