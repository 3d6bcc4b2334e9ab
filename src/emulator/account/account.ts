/** Creates accounts and their resources: trust anchors, profiles, roles. */
import { createHash } from 'node:crypto';
import { partitionOf } from '../../options/partition.js';
import type {
  Account,
  AttributeMapping,
  NotificationSetting,
  Profile,
  Role,
  TrustAnchor,
} from './resources.js';

/** The mappings of a new profile. Source: "Attribute mapping" of the user guide. */
export const DEFAULT_ATTRIBUTE_MAPPINGS: readonly AttributeMapping[] = [
  { certificateField: 'x509Subject', mappingRules: [{ specifier: '*' }] },
  { certificateField: 'x509Issuer', mappingRules: [{ specifier: '*' }] },
  {
    certificateField: 'x509SAN',
    mappingRules: [{ specifier: 'DNS' }, { specifier: 'URI' }, { specifier: 'Name/*' }],
  },
];

/** As seen at AWS: 45 days before the event, on all channels. */
export const DEFAULT_NOTIFICATIONS: readonly NotificationSetting[] = (
  ['CA_CERTIFICATE_EXPIRY', 'END_ENTITY_CERTIFICATE_EXPIRY'] as const
).map((event) => ({
  enabled: true,
  event,
  threshold: 45,
  channel: 'ALL',
  configuredBy: 'rolesanywhere.amazonaws.com',
}));

export function createAccount(region: string, accountId: string): Account {
  return {
    partition: partitionOf(region).name,
    region,
    accountId,
    trustAnchors: new Map(),
    profiles: new Map(),
    crls: new Map(),
    subjects: new Map(),
    roles: new Map(),
    tags: new Map(),
  };
}

/** `arn:aws:rolesanywhere:<region>:<account>:<resource>` */
export function formatArn({ partition, region, accountId }: Account, resource: string): string {
  return `arn:${partition}:rolesanywhere:${region}:${accountId}:${resource}`;
}

export function addTrustAnchor(
  account: Account,
  settings: Pick<TrustAnchor, 'name' | 'source' | 'enabled'>,
  at: Date,
  trustAnchorId: string,
): TrustAnchor {
  const anchor: TrustAnchor = {
    ...settings,
    trustAnchorId,
    trustAnchorArn: formatArn(account, `trust-anchor/${trustAnchorId}`),
    notificationSettings: [...DEFAULT_NOTIFICATIONS],
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  };
  account.trustAnchors.set(trustAnchorId, anchor);
  return anchor;
}

type ProfileSettings = Pick<Profile, 'name' | 'enabled' | 'roleArns'> &
  Partial<
    Pick<
      Profile,
      | 'durationSeconds'
      | 'acceptRoleSessionName'
      | 'requireInstanceProperties'
      | 'managedPolicyArns'
      | 'sessionPolicy'
    >
  >;

export function addProfile(
  account: Account,
  settings: ProfileSettings,
  at: Date,
  profileId: string,
): Profile {
  const profile: Profile = {
    durationSeconds: 3600,
    acceptRoleSessionName: false,
    requireInstanceProperties: false,
    managedPolicyArns: [],
    sessionPolicy: undefined,
    ...settings,
    profileId,
    profileArn: formatArn(account, `profile/${profileId}`),
    attributeMappings: [...DEFAULT_ATTRIBUTE_MAPPINGS],
    createdBy: `arn:${account.partition}:iam::${account.accountId}:root`,
    createdAt: at.toISOString(),
    updatedAt: at.toISOString(),
  };
  account.profiles.set(profileId, profile);
  return profile;
}

type RoleSettings = Pick<Role, 'roleName' | 'assumeRolePolicyDocument' | 'maxSessionDuration'> &
  Partial<Pick<Role, 'path' | 'description'>>;

export function addRole(account: Account, settings: RoleSettings, at: Date): Role {
  const { path = '/', description } = settings;
  const arn = `arn:${account.partition}:iam::${account.accountId}:role${path}${settings.roleName}`;
  const role: Role = {
    ...settings,
    roleId: uniqueIdOf('AROA', arn),
    arn,
    path,
    description,
    attachedPolicyArns: [],
    createDate: at.toISOString(),
  };
  account.roles.set(role.roleName, role);
  return role;
}

/** The trust policy of the user guide, limited to these trust anchors if there are any. */
export function defaultTrustPolicy(trustAnchorArns: readonly string[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'rolesanywhere.amazonaws.com' },
        Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
        ...(trustAnchorArns.length === 0
          ? {}
          : { Condition: { ArnEquals: { 'aws:SourceArn': trustAnchorArns } } }),
      },
    ],
  });
}

/**
 * The unique id of a role (`AROA`) or a user (`AIDA`), derived from its ARN.
 *
 * Source: "IAM identifiers" of the IAM user guide
 */
export function uniqueIdOf(prefix: 'AROA' | 'AIDA', arn: string): string {
  return `${prefix}${formatBase32(createHash('sha256').update(arn).digest().subarray(0, 10))}`;
}

/** Encodes ten octets as sixteen characters (RFC 4648 section 6), as in IAM's unique ids. */
export function formatBase32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{5}/g) ?? [];
  return groups.map((group) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(group, 2)]).join('');
}
