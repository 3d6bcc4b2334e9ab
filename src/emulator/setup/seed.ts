/**
 * Fills a new account from a seed, an object or a JSON file.
 *
 * The operations of the control plane and of IAM create the resources, so that a seed holds nothing that AWS
 * would refuse. The ids of trust anchors and profiles are derived from their names: the same seed gives the
 * same ARNs.
 */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { OptionError, quote } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import { nearest } from '../../options/values.js';
import { defaultTrustPolicy } from '../account/account.js';
import type { Account, TrustAnchor } from '../account/resources.js';
import { perform } from '../control/control-plane.js';
import { performIam } from '../control/iam.js';
import { Refusal } from '../wire/handler.js';
import type { Loaded, SeedMember } from './seed-format.js';
import { readSeed } from './seed-format.js';

export type { Seed } from './seed-format.js';

/** A seed whose files have been read. */
export interface LoadedSeed {
  readonly seed: Loaded;
  /** Its name in messages. */
  readonly subject: string;
}

/**
 * @param source path of a JSON file, or the seed itself. Paths in it are relative to the file, or to the
 *   working folder.
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN` `ERR_OPTION_MISSING`
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function loadSeed(source: string | object): Promise<LoadedSeed> {
  if (typeof source !== 'string')
    return { seed: await readFiles(readSeed(source, 'seed'), '.'), subject: 'seed' };
  const subject = `seed file ${source}`;
  const { text } = await readTextFile(source, subject);
  return { seed: await readFiles(readSeed(parseJson(text, subject), subject), dirname(source)), subject };
}

function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the text.
    throw new OptionError('ERR_OPTION_INVALID', `${subject} is not JSON`);
  }
}

async function readFiles(seed: Loaded, folder: string): Promise<Loaded> {
  const readAll = (sources: readonly string[]) =>
    Promise.all(sources.map((source) => readSource(source, '-----BEGIN', folder)));
  const trustAnchors = seed.trustAnchors.map(async (anchor) => ({
    ...anchor,
    certificates: await readAll(anchor.certificates),
    crls: await readAll(anchor.crls ?? []),
  }));
  const roles = seed.roles.map(async (role) => {
    const { trustPolicy } = role;
    return trustPolicy === undefined
      ? role
      : { ...role, trustPolicy: await readSource(trustPolicy, '{', folder) };
  });
  // One promise for both: if a file of each is missing, neither rejection may stay unhandled.
  const [readAnchors, readRoles] = await Promise.all([Promise.all(trustAnchors), Promise.all(roles)]);
  return { ...seed, trustAnchors: readAnchors, roles: readRoles };
}

/** A text that begins with `start` is the content itself, any other text is a path. */
async function readSource(source: string, start: string, folder: string): Promise<string> {
  if (source.trimStart().startsWith(start)) return source;
  const path = resolve(folder, source);
  return (await readTextFile(path, `file ${path} of the seed`)).text;
}

/** @throws OptionError `ERR_OPTION_INVALID`; the account then holds a part of the seed */
export function applySeed(account: Account, { seed, subject }: LoadedSeed, at: Date): void {
  const anchors = seed.trustAnchors.map((anchor) =>
    within(`${subject}: trust anchor ${quote(anchor.name)}`, () => plantAnchor(account, anchor, at)),
  );
  const arns = anchors.map(({ trustAnchorArn }) => trustAnchorArn);
  for (const role of seed.roles) {
    within(`${subject}: role ${quote(role.name)}`, () => plantRole(account, role, arns, at));
  }
  for (const profile of seed.profiles) {
    within(`${subject}: profile ${quote(profile.name)}`, () => plantProfile(account, profile, at));
  }
}

function within<T>(where: string, plant: () => T): T {
  try {
    return plant();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new OptionError('ERR_OPTION_INVALID', `${where}: ${describe(error)}`);
  }
}

/** AWS's message, with the reason for the log if it says more. */
function describe({ message, reason }: Refusal): string {
  const [counted, problems] = message.split(' detected: ');
  if (problems !== undefined) return problems;
  return message.includes(reason.replace(/^[\w ]+: /, '')) ? message : `${counted} (${reason})`;
}

function plantAnchor(account: Account, seed: SeedMember<'trustAnchors'>, at: Date): TrustAnchor {
  const { name, certificates, crls = [], enabled = true, tags } = seed;
  const id = idOf(account, 'trust-anchor', name);
  const source = {
    sourceType: 'CERTIFICATE_BUNDLE',
    sourceData: { x509CertificateData: certificates.join('\n') },
  };
  const input = { name, source, enabled, tags: listTags(tags) };
  perform('CreateTrustAnchor', account, input, at, () => id);
  const anchor = account.trustAnchors.get(id);
  if (anchor === undefined) throw new Error(`no trust anchor ${id}`);
  for (const [index, crl] of crls.entries()) {
    const crlData = Buffer.from(crl).toString('base64');
    const list = {
      name: `${name} ${index + 1}`,
      crlData,
      trustAnchorArn: anchor.trustAnchorArn,
      enabled: true,
    };
    perform('ImportCrl', account, list, at);
  }
  return anchor;
}

function plantProfile(account: Account, seed: SeedMember<'profiles'>, at: Date): void {
  const { roles, attributeMappings = {}, tags, enabled = true, ...settings } = seed;
  const roleArns = roles.map((role) => findRole(account, role));
  const profileId = idOf(account, 'profile', settings.name);
  const input = { ...settings, enabled, roleArns, tags: listTags(tags) };
  perform('CreateProfile', account, input, at, () => profileId);
  for (const [certificateField, specifiers] of Object.entries(attributeMappings)) {
    const mappingRules = specifiers.map((specifier) => ({ specifier }));
    perform('PutAttributeMapping', account, { profileId, certificateField, mappingRules }, at);
  }
}

function plantRole(account: Account, seed: SeedMember<'roles'>, anchors: readonly string[], at: Date): void {
  const { name: roleName, trustPolicy = defaultTrustPolicy(anchors), tags, ...settings } = seed;
  const given = { ...settings, roleName, assumeRolePolicyDocument: trustPolicy, tags: listTags(tags) };
  performIam('CreateRole', account, given, at);
}

function listTags(tags: Readonly<Record<string, string>> = {}) {
  return Object.entries(tags).map(([key, value]) => ({ key, value }));
}

/** The ARN of a role of the seed, by name; an ARN stays as it is. */
function findRole({ roles }: Account, role: string): string {
  if (role.startsWith('arn:')) return role;
  const found = roles.get(role);
  if (found !== undefined) return found.arn;
  const reason = `the seed has no role ${quote(role)}${nearest(role, [...roles.keys()])}`;
  throw new Refusal(400, 'ValidationException', 'Role not found', reason);
}

/** A UUID of version 8 (RFC 9562), derived from the name, which must be unique. */
function idOf(account: Account, kind: 'trust-anchor' | 'profile', name: string): string {
  const text = `${account.accountId} ${account.region} ${kind} ${name}`;
  const hex = createHash('sha256').update(text).digest('hex');
  const id = hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-8$3-8$4-$5');
  const taken = kind === 'profile' ? account.profiles : account.trustAnchors;
  if (!taken.has(id)) return id;
  throw new Refusal(
    400,
    'ValidationException',
    'Name is taken',
    `names in a seed must be unique, found ${quote(name)} twice`,
  );
}
