/** The tables of operations against botocore's service models. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { IAM_ACTIONS } from '../../../src/emulator/control/iam.js';
import { OPERATIONS } from '../../../src/emulator/control/model.js';
import type { Shape } from '../../../src/emulator/wire/shape.js';

interface ModelShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly required?: readonly string[];
  readonly member?: { readonly shape: string };
  readonly enum?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly sensitive?: boolean;
  readonly union?: boolean;
}

interface Model {
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly http: { method: string; requestUri: string; responseCode?: number };
        readonly input: { readonly shape: string };
      }
    >
  >;
  readonly shapes: Readonly<Record<string, ModelShape>>;
}

/** Read by botocore's loader; undefined if it is not installed. */
function loadModel(service: string): Model | undefined {
  const script = `
import botocore.session, json
model = botocore.session.get_session().get_service_model('${service}')
print(json.dumps(model._service_description))`;
  const { status, stdout } = spawnSync('python3', ['-c', script], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** A shape of the model as our type. */
function shapeOf(model: Model, name: string, rename: (member: string) => string): Shape {
  const {
    type,
    members,
    required = [],
    member,
    enum: values,
    sensitive,
    union,
    ...limits
  } = model.shapes[name] ?? { type: 'absent' };
  const { min, max, pattern } = limits;
  const constraints = { min, max, pattern, values, isSensitive: sensitive, isUnion: union };
  const given = Object.fromEntries(Object.entries(constraints).filter(([, value]) => value !== undefined));
  const shape: Record<string, unknown> = { type, ...given };
  if (member !== undefined) shape['member'] = shapeOf(model, member.shape, rename);
  if (members !== undefined) {
    shape['members'] = Object.fromEntries(
      Object.entries(members).map(([key, { shape: inner }]) => [rename(key), shapeOf(model, inner, rename)]),
    );
    shape['required'] = required.map(rename).sort();
  }
  return shape as unknown as Shape;
}

/** Required members are a set, and an empty one may be absent. */
function sorted(shape: unknown): unknown {
  if (Array.isArray(shape)) return shape.map(sorted);
  if (typeof shape !== 'object' || shape === null) return shape;
  const entries = Object.entries(shape).map(([key, value]) => [
    key,
    key === 'required' ? [...value].sort() : sorted(value),
  ]);
  const copy = Object.fromEntries(entries);
  return copy.type === 'structure' ? { required: [], ...copy } : copy;
}

const rolesAnywhere = loadModel('rolesanywhere');
const iam = loadModel('iam');
const leftOut = rolesAnywhere === undefined ? ' (left out: there is no botocore here)' : '';

describe.skipIf(rolesAnywhere === undefined)(`IAM Roles Anywhere 2018-05-10${leftOut}`, () => {
  const operations = rolesAnywhere?.operations ?? {};

  it('has the operations that the emulator has', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual(Object.keys(operations).sort());
  });

  it.each(Object.entries(OPERATIONS))('%s has the same route, status and input', (name, ours) => {
    const { http, input } = operations[name] ?? expect.fail();
    expect([ours.route, ours.status]).toEqual([`${http.method} ${http.requestUri}`, http.responseCode]);
    const theirs = shapeOf(rolesAnywhere ?? expect.fail(), input.shape, (member) => member);
    expect(sorted(ours.input)).toEqual(sorted(theirs));
  });
});

describe.skipIf(iam === undefined)(`IAM 2010-05-08${leftOut}`, () => {
  it.each(Object.entries(IAM_ACTIONS))('%s has the same input', (name, ours) => {
    const { input } = iam?.operations[name] ?? expect.fail();
    const lowerFirst = (member: string) => member.charAt(0).toLowerCase() + member.slice(1);
    expect(sorted(ours)).toEqual(sorted(shapeOf(iam ?? expect.fail(), input.shape, lowerFirst)));
  });
});
