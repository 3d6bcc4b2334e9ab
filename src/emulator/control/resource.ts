/**
 * The functions that the operations on all kinds of resources share: lookup, change, removal, quotas, pages.
 *
 * AWS's messages are unknown: these are ours.
 */
import type { Account, Crl } from '../account/resources.js';
import { Refusal } from '../wire/handler.js';
import type { InputOf, OperationName } from './model.js';

/** Implementations of operations: each changes the account and returns the members of its answer. */
export type Behaviours<Name extends OperationName = OperationName> = {
  readonly [K in Name]: (account: Account, input: InputOf<K>, at: Date, newId: () => string) => object;
};

export function invalid(message: string, reason: string): Refusal {
  return new Refusal(400, 'ValidationException', message, reason);
}

export function notFound(message: string, reason: string): Refusal {
  return new Refusal(404, 'ResourceNotFoundException', message, reason);
}

export function find<T>(resources: ReadonlyMap<string, T>, id: string, what: string): T {
  const found = resources.get(id);
  if (found !== undefined) return found;
  throw notFound(`${what} not found`, `${what}: there is none with id ${id}`);
}

/** Sets the given members; undefined ones keep their value. */
export function change<T extends { updatedAt: string }>(
  resource: T,
  members: { readonly [K in keyof T]?: T[K] | undefined },
  at: Date,
): T {
  const given = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.assign(resource, Object.fromEntries(given), { updatedAt: at.toISOString() });
}

export function remove(account: Account, resources: Map<string, unknown>, id: string, arn: string): void {
  resources.delete(id);
  account.tags.delete(arn);
}

export function crlsOf({ crls }: Account, trustAnchorArn: string): Crl[] {
  return [...crls.values()].filter((crl) => crl.trustAnchorArn === trustAnchorArn);
}

/** Refuses with ValidationException, the only error of the model that fits. */
export function checkQuota(what: string, count: number, limit: number): void {
  if (count < limit) return;
  throw invalid(`The limit of ${limit} ${what} has been reached`, `quota: ${limit} ${what}`);
}

interface Item {
  readonly createdAt: string;
}

export interface PageRequest {
  readonly nextToken?: string;
  readonly pageSize?: number;
}

const DEFAULT_SIZE = 50;
const MAX_SIZE = 1000;

/**
 * Returns one page. A token names the last item of its page, so that a client that deletes what it lists
 * misses nothing. The order and the default size of AWS's pages are unknown.
 *
 * @param name of the list, such as `crls`: a token is valid for its own list only
 */
export function formatPage<T extends Item>(
  name: string,
  items: ReadonlyMap<string, T>,
  { nextToken, pageSize = DEFAULT_SIZE }: PageRequest,
): { readonly page: T[]; readonly nextToken?: string } {
  if (pageSize < 1) throw invalid('pageSize must be positive', `page: expected 1 or more, found ${pageSize}`);
  const prefix = `${name} `;
  const after = nextToken === undefined ? prefix : Buffer.from(nextToken, 'base64url').toString();
  if (!after.startsWith(prefix))
    throw invalid('Invalid nextToken', 'page: the token belongs to no page of this list');
  const rest = [...items]
    .map(([id, item]) => ({ item, place: `${prefix}${item.createdAt} ${id}` }))
    .filter(({ place }) => place > after)
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const given = rest.slice(0, Math.min(pageSize, MAX_SIZE));
  const page = given.map(({ item }) => item);
  const last = given.at(-1)?.place;
  if (last === undefined || given.length === rest.length) return { page };
  return { page, nextToken: Buffer.from(last).toString('base64url') };
}
