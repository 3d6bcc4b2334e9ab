/**
 * Converts an account to JSON with a version, and back.
 *
 * Sessions are not part of it: their secrets are in no file, so they end with the emulator.
 */
import { createAccount } from '../account/account.js';
import type { Account } from '../account/resources.js';
import { parseTrustAnchor } from '../pki/trust.js';
import { Refusal } from '../wire/handler.js';
import type { Shape } from '../wire/shape.js';
import { readShape } from '../wire/shape.js';

const VERSION = 1;

const TEXT = { type: 'string' } as const;
const BOOLEAN = { type: 'boolean' } as const;
const INTEGER = { type: 'integer' } as const;
const TIME = { type: 'string', pattern: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z' } as const;
const TIMES = { createdAt: TIME, updatedAt: TIME } as const;

const SETTING = structure({
  enabled: BOOLEAN,
  event: { type: 'string', values: ['CA_CERTIFICATE_EXPIRY', 'END_ENTITY_CERTIFICATE_EXPIRY'] },
  channel: { type: 'string', values: ['ALL'] },
  configuredBy: TEXT,
});
const TRUST_ANCHOR = structure({
  ...{ trustAnchorId: TEXT, trustAnchorArn: TEXT, name: TEXT, enabled: BOOLEAN, ...TIMES },
  source: structure({
    sourceType: { type: 'string', values: ['CERTIFICATE_BUNDLE'] },
    sourceData: structure({ x509CertificateData: TEXT }),
  }),
  notificationSettings: list({ ...SETTING, members: { ...SETTING.members, threshold: INTEGER } }),
});
const MAPPING = structure({
  certificateField: { type: 'string', values: ['x509Subject', 'x509Issuer', 'x509SAN'] },
  mappingRules: list(structure({ specifier: TEXT })),
});
const PROFILE = structure({
  ...{ profileId: TEXT, profileArn: TEXT, name: TEXT, enabled: BOOLEAN, createdBy: TEXT, ...TIMES },
  ...{ roleArns: list(TEXT), managedPolicyArns: list(TEXT), attributeMappings: list(MAPPING) },
  ...{ durationSeconds: INTEGER, acceptRoleSessionName: BOOLEAN, requireInstanceProperties: BOOLEAN },
});
const CRL = structure({
  ...{ crlId: TEXT, crlArn: TEXT, name: TEXT, enabled: BOOLEAN, ...TIMES },
  ...{ crlData: { type: 'blob' }, trustAnchorArn: TEXT },
});
const SUBJECT = structure({
  ...{ subjectId: TEXT, subjectArn: TEXT, enabled: BOOLEAN, x509Subject: TEXT, lastSeenAt: TIME, ...TIMES },
  credentials: list(
    structure({
      ...{ enabled: BOOLEAN, failed: BOOLEAN, issuer: TEXT, seenAt: TIME },
      ...{ serialNumber: TEXT, x509CertificateData: TEXT },
    }),
  ),
  instanceProperties: list(structure({ failed: BOOLEAN, properties: { type: 'map' }, seenAt: TIME })),
});
const ROLE = structure({
  ...{ roleId: TEXT, roleName: TEXT, arn: TEXT, path: TEXT, createDate: TIME },
  ...{ assumeRolePolicyDocument: TEXT, maxSessionDuration: INTEGER },
});
const STATE = structure({
  ...{ region: TEXT, accountId: { type: 'string', pattern: '\\d{12}' } },
  trustAnchors: list(TRUST_ANCHOR),
  profiles: list({ ...PROFILE, members: { ...PROFILE.members, sessionPolicy: TEXT } }),
  crls: list(CRL),
  subjects: list(SUBJECT),
  roles: list({ ...ROLE, members: { ...ROLE.members, description: TEXT, attachedPolicyArns: list(TEXT) } }),
  tags: list(structure({ resourceArn: TEXT, tags: { type: 'map' } })),
});

export function formatState(account: Account): string {
  const { region, accountId, trustAnchors, profiles, crls, subjects, roles, tags } = account;
  const state = {
    version: VERSION,
    region,
    accountId,
    trustAnchors: [...trustAnchors.values()],
    profiles: [...profiles.values()],
    crls: [...crls.values()],
    subjects: [...subjects.values()],
    roles: [...roles.values()],
    tags: [...tags].map(([resourceArn, of]) => ({ resourceArn, tags: Object.fromEntries(of) })),
  };
  return `${JSON.stringify(state, null, 2)}\n`;
}

/** Throws an `Error` with one line for the user. */
export function parseState(text: string): Account {
  const value = parseJson(text);
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : 'none';
  if (version !== VERSION) throw new Error(`version: expected ${VERSION}, found ${JSON.stringify(version)}`);
  const state = readState(value);
  const account = createAccount(state.region, state.accountId);
  for (const anchor of state.trustAnchors) {
    parseTrustAnchor(anchor.source.sourceData.x509CertificateData);
    account.trustAnchors.set(anchor.trustAnchorId, anchor);
  }
  for (const one of state.profiles) account.profiles.set(one.profileId, { sessionPolicy: undefined, ...one });
  for (const one of state.crls) account.crls.set(one.crlId, one);
  for (const one of state.subjects) account.subjects.set(one.subjectId, one);
  for (const one of state.roles) {
    // Files of earlier versions have no attached policies.
    account.roles.set(one.roleName, { description: undefined, attachedPolicyArns: [], ...one });
  }
  for (const { resourceArn, tags } of state.tags)
    account.tags.set(resourceArn, new Map(Object.entries(tags)));
  return account;
}

/** Sets an account back to an earlier state. */
export function restoreState(account: Account, text: string): void {
  const earlier = parseState(text);
  replaceEntries(account.trustAnchors, earlier.trustAnchors);
  replaceEntries(account.profiles, earlier.profiles);
  replaceEntries(account.crls, earlier.crls);
  replaceEntries(account.subjects, earlier.subjects);
  replaceEntries(account.roles, earlier.roles);
  replaceEntries(account.tags, earlier.tags);
}

function replaceEntries<Value>(target: Map<string, Value>, source: ReadonlyMap<string, Value>): void {
  target.clear();
  for (const [key, value] of source) target.set(key, value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message would quote the text.
    throw new Error('it is not JSON, or it is incomplete');
  }
}

function readState(value: unknown) {
  try {
    return readShape(STATE, value);
  } catch (error) {
    if (error instanceof Refusal) throw new Error(error.message.replace(/^.*? detected: /, ''));
    throw error;
  }
}

function list<const Member extends Shape>(member: Member) {
  return { type: 'list', member } as const;
}

/** All members are required. */
function structure<const Members extends Readonly<Record<string, Shape>>>(members: Members) {
  const required = Object.keys(members) as Array<keyof Members & string>;
  return { type: 'structure', members, required } as const;
}
