/** An account with the three ARNs of `test/vectors/make-pki.py`, and requests for sessions of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createAccount,
  DEFAULT_ATTRIBUTE_MAPPINGS,
  defaultTrustPolicy,
} from '../../../src/emulator/account/account.js';
import type { Account, Profile, Role } from '../../../src/emulator/account/resources.js';
import { createSessionOperation } from '../../../src/emulator/sessions/create-session.js';
import type { IssuedCredentials } from '../../../src/emulator/sessions/credential-store.js';
import { createCredentialStore } from '../../../src/emulator/sessions/credential-store.js';
import type { EmulatorRequest } from '../../../src/emulator/wire/handler.js';
import { createHandler } from '../../../src/emulator/wire/handler.js';
import { NOW } from '../pki/certificates.js';

export const ARNS = {
  profileArn: 'arn:aws:rolesanywhere:us-east-1:123456789012:profile/11111111-1111-1111-1111-111111111111',
  roleArn: 'arn:aws:iam::123456789012:role/Demo',
  trustAnchorArn:
    'arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/22222222-2222-2222-2222-222222222222',
};

/** Sorted and encoded. */
export const QUERY = Object.entries(ARNS)
  .map(([name, arn]) => `${name}=${encodeURIComponent(arn)}`)
  .join('&');

export const toPem = (base64: string) =>
  `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;

/** A case of `test/vectors/make-pki.py`. */
export interface Case {
  readonly name: string;
  /** The start of the reason; null if the certificate is accepted. */
  readonly expect: string | null;
  readonly openssl: string;
  readonly differs?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly sourceIdentity?: string;
  readonly anchors: readonly string[];
  readonly lists: readonly string[];
  readonly chain: readonly string[];
  readonly certificate: string;
  readonly serial: string;
  readonly key: string;
}

interface Vectors {
  readonly now: string;
  readonly arns: Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
  readonly lists: ReadonlyArray<{ name: string; der: string; expect: string | null }>;
  readonly requests: ReadonlyArray<{
    readonly name: string;
    readonly anchor: string;
    readonly query: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  }>;
}

export function readVectors(): Vectors {
  return JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'vectors', 'pki.json'), 'utf8'));
}

export interface Asked {
  readonly status: number;
  readonly message: string;
  /** The text in the last brackets of the line of log. */
  readonly reason: string;
  readonly body: string;
  readonly issued: IssuedCredentials | undefined;
}

export interface TestAccount {
  readonly account: Account;
  readonly profile: Profile;
  readonly role: Role;
  ask(request: EmulatorRequest): Promise<Asked>;
}

/**
 * Makes a trust anchor of these certificates (PEM), a profile, and a role that trusts them. Without a log the
 * emulator does not look for the reasons of refusals, which takes longer than refusing.
 */
export function makeAccount(
  anchorPem: string,
  now: () => Date = () => NOW,
  hasLog = true,
  strictAttributes = false,
): TestAccount {
  const account = createAccount('us-east-1', '123456789012');
  const at = NOW.toISOString();
  const times = { createdAt: at, updatedAt: at };
  account.trustAnchors.set('anchor', {
    ...times,
    trustAnchorId: ARNS.trustAnchorArn.slice(-36),
    trustAnchorArn: ARNS.trustAnchorArn,
    name: 'anchor',
    enabled: true,
    source: { sourceType: 'CERTIFICATE_BUNDLE', sourceData: { x509CertificateData: anchorPem } },
    notificationSettings: [],
  });
  const profile: Profile = {
    ...times,
    profileId: ARNS.profileArn.slice(-36),
    profileArn: ARNS.profileArn,
    name: 'profile',
    enabled: true,
    roleArns: [ARNS.roleArn],
    durationSeconds: 3600,
    acceptRoleSessionName: false,
    requireInstanceProperties: false,
    managedPolicyArns: [],
    sessionPolicy: undefined,
    attributeMappings: [...DEFAULT_ATTRIBUTE_MAPPINGS],
    createdBy: 'arn:aws:iam::123456789012:root',
  };
  account.profiles.set('profile', profile);
  const role: Role = {
    roleId: 'AROAEXAMPLEEXAMPLEAB',
    roleName: 'Demo',
    arn: ARNS.roleArn,
    path: '/',
    description: undefined,
    assumeRolePolicyDocument: defaultTrustPolicy([ARNS.trustAnchorArn]),
    maxSessionDuration: 3600,
    attachedPolicyArns: [],
    createDate: at,
  };
  account.roles.set('Demo', role);
  const lines: string[] = [];
  const credentials = createCredentialStore();
  const operations = [createSessionOperation({ account, credentials, strictAttributes })];
  const log = hasLog ? (line: string) => void lines.push(line) : undefined;
  const handle = createHandler(operations, { now, log });
  return {
    account,
    profile,
    role,
    async ask(request) {
      const { status, body } = await handle(request);
      const { message = '', credentialSet } = JSON.parse(body);
      const reason = / \[(.*)\]$/.exec(lines.at(-1) ?? '')?.[1] ?? '';
      const issued = credentials.find(credentialSet?.[0].credentials.accessKeyId);
      return { status, message, reason, body, issued };
    },
  };
}

/** Imports a CRL for the trust anchor. */
export function addCrl(account: Account, crlData: string, enabled = true): void {
  const id = String(account.crls.size);
  const at = NOW.toISOString();
  account.crls.set(id, {
    crlId: id,
    crlArn: `arn:aws:rolesanywhere:us-east-1:123456789012:crl/${id}`,
    name: id,
    enabled,
    crlData,
    trustAnchorArn: ARNS.trustAnchorArn,
    createdAt: at,
    updatedAt: at,
  });
}
