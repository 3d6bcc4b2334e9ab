/**
 * The operations of the IAM Roles Anywhere API, one for each row of the model.
 *
 * Each authenticates the caller, checks the input against the row, and changes the account.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/Welcome.html. AWS documents the types
 * and statuses of refusals; the messages are ours, except those of the validator that AWS services share.
 */
import { randomUUID } from 'node:crypto';
import type { Account } from '../account/resources.js';
import type { IssuedKeys } from '../wire/access-key.js';
import { checkAdministrator, JSON_REFUSALS } from '../wire/access-key.js';
import type { EmulatorRequest, Operation, PathParameters } from '../wire/handler.js';
import { formatJsonRefusal, refuseWith } from '../wire/handler.js';
import type { StructureShape } from '../wire/shape.js';
import { readJsonObject, readShape, refuseUnknownMembers } from '../wire/shape.js';
import { parseQuery } from '../wire/signature.js';
import { CRLS, SUBJECTS } from './crls.js';
import type { InputOf, OperationName } from './model.js';
import { OPERATIONS } from './model.js';
import { PROFILES } from './profiles.js';
import type { Behaviours } from './resource.js';
import { TAGS } from './tags.js';
import { TRUST_ANCHORS } from './trust-anchors.js';

const BEHAVIOURS: Behaviours = { ...TRUST_ANCHORS, ...PROFILES, ...CRLS, ...SUBJECTS, ...TAGS };

export function controlPlaneOperations(account: Account, keys: IssuedKeys): Operation[] {
  const rules = {
    keys,
    service: 'rolesanywhere',
    regions: [account.region],
    refusals: JSON_REFUSALS,
  } as const;
  return (Object.keys(OPERATIONS) as OperationName[]).map((name) => ({
    routes: [OPERATIONS[name].route],
    names: [name],
    formatRefusal: formatJsonRefusal,
    perform(request, at, _requestId, parameters) {
      const accessKeyId = checkAdministrator(request, rules, at, `rolesanywhere:${name}`);
      const given = readInput(OPERATIONS[name].input, request, parameters);
      refuseUnknownMembers(OPERATIONS[name].input, given, name);
      const body = JSON.stringify(perform(name, account, given, at));
      const note = `${name} by ${accessKeyId}`;
      return { status: OPERATIONS[name].status, contentType: 'application/json', body, note };
    },
  }));
}

/**
 * Performs an operation without a request.
 *
 * @throws Refusal
 */
export function perform<Name extends OperationName>(
  name: Name,
  account: Account,
  given: object,
  at: Date,
  newId: () => string = () => randomUUID(),
): object {
  return BEHAVIOURS[name](account, readShape(OPERATIONS[name].input, given) as InputOf<Name>, at, newId);
}

const malformed = refuseWith(400, 'ValidationException', 'The request could not be read');

/** The members of the request, unchecked. */
function readInput(input: StructureShape, request: EmulatorRequest, parameters: PathParameters): object {
  const isInQuery = request.method === 'GET' || request.method === 'DELETE';
  const members = isInQuery ? readQuery(input, request.rawQuery) : readJsonObject(request.body, malformed);
  return { ...members, ...parameters };
}

function readQuery({ members }: StructureShape, rawQuery: string): object {
  const pairs = parseQuery(rawQuery, malformed);
  const read: Record<string, unknown> = {};
  for (const name of new Set(pairs.map(([one]) => one).filter((one) => !one.startsWith('X-Amz-')))) {
    const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
    const { type } = (Object.hasOwn(members, name) ? members[name] : undefined) ?? { type: 'string' };
    if (type !== 'list' && values.length > 1) throw malformed(`query: ${name} must occur once`);
    const [value = ''] = values;
    read[name] =
      type === 'list' ? values : type === 'integer' && /^-?\d{1,9}$/.test(value) ? Number(value) : value;
  }
  return read;
}
