/**
 * Makes a trust anchor, a role and a profile that belong together, for callers who bring none.
 *
 * Existing ones are used: restarted with its state, the emulator has the same resources, and later changes
 * stay.
 */
import { randomUUID } from 'node:crypto';
import { addProfile, addRole, addTrustAnchor, defaultTrustPolicy } from '../account/account.js';
import type { Account, Profile, Role, TrustAnchor } from '../account/resources.js';
import { parseTrustAnchor } from '../pki/trust.js';

export interface QuickStart {
  readonly roleName: string;
  readonly durationSeconds: number | undefined;
  readonly acceptRoleSessionName: boolean | undefined;
}

export interface Furniture {
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
}

/** The name of the trust anchor and the profile, by which they are found again. */
const NAME = 'emulator';

/** Common name of the authorities that end with the emulator. */
export const THROW_AWAY_CA = 'Emulator CA';

/** Whether the emulator made the account's trust anchor in an earlier run: that authority's key is lost. */
export function needsAuthority({ trustAnchors }: Account): boolean {
  const pems = [...trustAnchors.values()]
    .filter(({ name }) => name === NAME)
    .map(({ source }) => source.sourceData.x509CertificateData ?? '');
  return pems.flatMap(parseTrustAnchor).some(({ name }) => name === `CN=${THROW_AWAY_CA}`);
}

/** @param pem CA certificates; they replace those of an existing trust anchor */
export function quickStart(account: Account, pem: string, wished: QuickStart, at: Date): Furniture {
  const { trustAnchorArn } = furnishAnchor(account, pem, at);
  const role = furnishRole(account, wished.roleName, trustAnchorArn, at);
  const { profileArn } = furnishProfile(account, role, wished, at);
  return { trustAnchorArn, profileArn, roleArn: role.arn };
}

/** Resources of the account that belong together, enabled ones first; undefined if something is missing. */
export function findFurniture({ trustAnchors, profiles, roles }: Account): Furniture | undefined {
  const arns = [...roles.values()].map(({ arn }) => arn);
  const [anchor] = enabledFirst(trustAnchors);
  const pairs = enabledFirst(profiles).flatMap(({ profileArn, roleArns }) =>
    roleArns.map((roleArn) => ({ profileArn, roleArn })),
  );
  const pair = pairs.find(({ roleArn }) => arns.includes(roleArn));
  return anchor && pair && { trustAnchorArn: anchor.trustAnchorArn, ...pair };
}

function enabledFirst<T extends { enabled: boolean }>(resources: ReadonlyMap<string, T>): T[] {
  return [...resources.values()].sort((a, b) => Number(b.enabled) - Number(a.enabled));
}

function furnishAnchor(account: Account, pem: string, at: Date): TrustAnchor {
  const source = { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: pem } } as const;
  const found = [...account.trustAnchors.values()].find(({ name }) => name === NAME);
  if (found === undefined)
    return addTrustAnchor(account, { name: NAME, source, enabled: true }, at, randomUUID());
  found.source = source;
  return found;
}

function furnishRole(account: Account, roleName: string, trustAnchorArn: string, at: Date): Role {
  const settings = {
    roleName,
    assumeRolePolicyDocument: defaultTrustPolicy([trustAnchorArn]),
    maxSessionDuration: 43_200,
  };
  return account.roles.get(roleName) ?? addRole(account, settings, at);
}

function furnishProfile(account: Account, { arn }: Role, wished: QuickStart, at: Date): Profile {
  const { durationSeconds, acceptRoleSessionName } = wished;
  const found = [...account.profiles.values()].find(({ name }) => name === NAME);
  const profile = found ?? addProfile(account, { name: NAME, enabled: true, roleArns: [] }, at, randomUUID());
  if (!profile.roleArns.includes(arn)) profile.roleArns = [...profile.roleArns, arn];
  profile.durationSeconds = durationSeconds ?? profile.durationSeconds;
  profile.acceptRoleSessionName = acceptRoleSessionName ?? profile.acceptRoleSessionName;
  return profile;
}
