/**
 * The operations on the tags of any resource, by its ARN.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_TagResource.html and
 * https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: `aws:` is reserved, keys are unique,
 * at most 50
 */
import type { Account } from '../account/resources.js';
import { Refusal } from '../wire/handler.js';
import type { Behaviours } from './resource.js';
import { invalid, notFound } from './resource.js';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** The limit of nearly every service. The model's 200 limits the list of one request. */
const MAX_TAGS = 50;

/** Call it before the first change: it throws. */
export function checkTags(present: ReadonlyMap<string, string>, added: readonly Tag[]): void {
  const keys = added.map(({ key }) => key);
  if (new Set(keys).size < keys.length) throw invalid('Tag keys must be unique', 'tags: a key occurs twice');
  if (keys.some((key) => /^aws:/i.test(key))) {
    throw invalid('Tag keys must not begin with aws:', 'tags: the prefix aws: is reserved');
  }
  const count = new Set([...present.keys(), ...keys]).size;
  if (count <= MAX_TAGS) return;
  const reason = `tags: at most ${MAX_TAGS} on one resource, found ${count}`;
  throw new Refusal(400, 'TooManyTagsException', 'Too many tags', reason);
}

export function addTags(account: Account, arn: string, added: readonly Tag[]): void {
  const present = account.tags.get(arn) ?? new Map<string, string>();
  checkTags(present, added);
  for (const { key, value } of added) present.set(key, value);
  if (present.size > 0) account.tags.set(arn, present);
}

function removeTags(account: Account, arn: string, keys: readonly string[]): void {
  for (const key of keys) account.tags.get(arn)?.delete(key);
}

export function listTags(account: Account, arn: string): Tag[] {
  return [...(account.tags.get(arn) ?? [])].map(([key, value]) => ({ key, value }));
}

export const TAGS: Behaviours<'TagResource' | 'UntagResource' | 'ListTagsForResource'> = {
  TagResource(account, { resourceArn, tags }) {
    findArn(account, resourceArn);
    addTags(account, resourceArn, tags);
    return {};
  },
  UntagResource(account, { resourceArn, tagKeys }) {
    findArn(account, resourceArn);
    removeTags(account, resourceArn, tagKeys);
    return {};
  },
  ListTagsForResource(account, { resourceArn }) {
    findArn(account, resourceArn);
    return { tags: listTags(account, resourceArn) };
  },
};

function findArn({ trustAnchors, profiles, crls, subjects }: Account, arn: string): void {
  const id = arn.slice(arn.lastIndexOf('/') + 1);
  const found = [
    trustAnchors.get(id)?.trustAnchorArn,
    profiles.get(id)?.profileArn,
    crls.get(id)?.crlArn,
    subjects.get(id)?.subjectArn,
  ];
  if (!found.includes(arn)) throw notFound('Resource not found', `resource: there is no ${arn}`);
}
