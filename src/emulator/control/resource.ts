/**
 * What all resources of the account have in common. In: those of a kind, and an id, new members, a page that is asked
 * for. Out: the resource, changed or gone, or a page; or a refusal, in words that are ours, since AWS's are unknown.
 */
import type { Account, Crl } from '../account/resources.js';
import { Refusal } from '../wire/handler.js';
import type { InputOf, OperationName } from './model.js';

/** What some of the operations do: each changes the account and gives the members of its answer. */
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

/** Members that are not given stay as they are. */
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

/** What exceeds a quota is a ValidationException here, the one error that the model has for it. */
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
 * A token names the last item that was given, not a number: whoever deletes what he lists misses nothing. Order and size
 * of AWS's pages are unknown.
 *
 * @param name of the list, such as `crls`: a token of another list is none of this one
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
    throw invalid('Invalid nextToken', 'page: the token is of no page of this list');
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
