/**
 * Reads a form of the AWS Query protocol into the value that JSON would hold: `RoleName=a` becomes `{roleName:
 * 'a'}`, `Tags.member.1.Key=b` becomes `{tags: [{key: 'b'}]}`. The value is not checked.
 *
 * Rules: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#serialization
 */
import type { Shape } from './shape.js';

/** Members whose names begin with a small letter in forms too. */
const SMALL = ['arn'];

export function readForm(shape: Shape, form: ReadonlyMap<string, string>, path = ''): unknown {
  if (shape.type === 'structure') {
    const prefix = path === '' ? '' : `${path}.`;
    const members = Object.entries(shape.members);
    return Object.fromEntries(
      members.map(([name, member]) => [name, readForm(member, form, prefix + formName(name))]),
    );
  }
  if (shape.type === 'list') {
    const numbers = listNumbers(form, `${path}.member.`);
    if (numbers.length === 0) return undefined;
    return numbers.map((number) => readForm(shape.member, form, `${path}.member.${number}`));
  }
  const text = form.get(path);
  // Other texts stay as they are: the check of the shape refuses them.
  return shape.type === 'integer' && text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : text;
}

function formName(name: string): string {
  return SMALL.includes(name) ? name : name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** Numbers may have gaps. They give the order. */
function listNumbers(form: ReadonlyMap<string, string>, prefix: string): number[] {
  const numbers = [...form.keys()].flatMap((name) => {
    const [, number] = name.startsWith(prefix)
      ? (/^(\d{1,4})(?:\.|$)/.exec(name.slice(prefix.length)) ?? [])
      : [];
    return number === undefined ? [] : [Number(number)];
  });
  return [...new Set(numbers)].sort((one, other) => one - other);
}

/** The names of parameters that the shape does not have, but for those that every action takes. */
export function findUnknownParameters(shape: Shape, form: ReadonlyMap<string, string>): string[] {
  return [...form.keys()].filter((name) => !COMMON_PARAMETER.test(name) && !isKnown(shape, name.split('.')));
}

/** Those of the protocol, and those of a signature in the query. */
const COMMON_PARAMETER = /^(Action|Version|X-Amz-.*)$/;

function isKnown(shape: Shape, [first, ...rest]: readonly string[]): boolean {
  if (shape.type === 'structure') {
    const found = Object.entries(shape.members).find(([name]) => formName(name) === first);
    return found !== undefined && isKnown(found[1], rest);
  }
  // Clients write an empty list as an empty parameter.
  if (shape.type === 'list' && first !== undefined) {
    const [number = '', ...more] = rest;
    return first === 'member' && /^\d{1,4}$/.test(number) && isKnown(shape.member, more);
  }
  return first === undefined;
}
