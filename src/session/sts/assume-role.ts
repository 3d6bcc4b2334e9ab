/**
 * Assumes roles with the credentials of a session, one after the other (role chaining).
 *
 * Source: AssumeRole of STS and "Role chaining" of the IAM user guide: sessions of chained roles last at most
 * one hour.
 */
import type { Refusal } from '../refusal-advice.js';
import type { HttpResponse, Session } from '../response.js';
import { accountOf, areCredentials, assertNotExpired, parseMoment } from '../response.js';
import type { AssumedRole, Settings } from '../settings.js';
import type { StsContext } from './call-sts.js';
import { callSts } from './call-sts.js';
import { invalidAnswer } from './response.js';
import type { XmlElement } from './xml.js';
import { childOf, textOf } from './xml.js';

/** For a session without a name. */
const DEFAULT_SESSION_NAME = 'rolesanywhere';

/**
 * @returns the session of the last role
 * @throws as `callSts`
 */
export async function assumeRoles(
  first: Session,
  settings: Pick<Settings, 'assumeRoles' | 'sts' | 'region' | 'connection'>,
  context: StsContext,
): Promise<Session> {
  let session = first;
  for (const role of settings.assumeRoles) {
    context.logger?.debug?.(`assuming ${role.roleArn} as ${session.roleArn}`);
    session = await assumeRole(role, session, settings, context);
  }
  return session;
}

function assumeRole(
  role: AssumedRole,
  caller: Session,
  settings: Pick<Settings, 'sts' | 'region' | 'connection'>,
  context: StsContext,
): Promise<Session> {
  const { roleArn, externalId, durationSeconds, policy } = role;
  const call = {
    action: 'AssumeRole' as const,
    parameters: {
      RoleArn: roleArn,
      RoleSessionName: role.roleSessionName ?? sessionNameOf(caller) ?? DEFAULT_SESSION_NAME,
      DurationSeconds: String(durationSeconds),
      ExternalId: externalId,
      Policy: policy,
    },
    parse: (result: XmlElement, response: HttpResponse) =>
      parseAssumedRole(result, response, { role, caller, now: context.now() }),
    adviceFor: (refusal: Refusal) => adviceFor(refusal, role, caller),
  };
  return callSts(call, caller, settings, context);
}

/** The last part of `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
function sessionNameOf({ assumedRole }: Session): string | undefined {
  return /\/([A-Za-z0-9_+=,.@-]{2,64})$/.exec(assumedRole.arn ?? '')?.[1];
}

interface AssumeContext {
  readonly role: AssumedRole;
  readonly caller: Session;
  readonly now: Date;
}

function parseAssumedRole(
  result: XmlElement,
  response: HttpResponse,
  { role, caller, now }: AssumeContext,
): Session {
  const [credentials, user] = ['Credentials', 'AssumedRoleUser'].map((name) => childOf(result, name));
  const [accessKeyId, secretAccessKey, sessionToken] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(
    (name) => textOf(credentials, name),
  );
  const expiration = parseMoment(textOf(credentials, 'Expiration'));
  const isWhole =
    areCredentials([accessKeyId, secretAccessKey, sessionToken]) && !Number.isNaN(expiration.getTime());
  if (!isWhole || !accessKeyId || !secretAccessKey || !sessionToken) {
    throw invalidAnswer(response, 'STS answered AssumeRole without credentials');
  }
  assertNotExpired(expiration, response, now);
  const arn = textOf(user, 'Arn');
  const packedPolicySize = textOf(result, 'PackedPolicySize');
  return {
    ...{ accessKeyId, secretAccessKey, sessionToken, expiration },
    accountId: accountOf(arn) ?? accountOf(role.roleArn) ?? '',
    assumedRole: { arn, id: textOf(user, 'AssumedRoleId') },
    roleArn: role.roleArn,
    // Set once, it stays for the whole chain.
    sourceIdentity: textOf(result, 'SourceIdentity') ?? caller.sourceIdentity,
    packedPolicySize: packedPolicySize === undefined ? undefined : Number(packedPolicySize),
    subjectArn: caller.subjectArn,
  };
}

function adviceFor(
  { type }: Refusal,
  { roleArn, externalId }: AssumedRole,
  caller: Session,
): string | undefined {
  if (type !== 'AccessDenied') return undefined;
  const condition = externalId === undefined ? 'without an external id' : 'with this external id';
  const actions = 'sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity';
  return [
    `the trust policy of ${roleArn} must allow ${caller.roleArn} ${actions} ${condition}`,
    `and a policy of ${caller.roleArn} must allow the same on ${roleArn}`,
  ].join(', ');
}
