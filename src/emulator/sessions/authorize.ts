/**
 * Decides whether the account gives a trusted certificate a session: checks 12 to 20 of CreateSession, whose
 * table is in `create-session.ts`.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html and STS AssumeRole
 */
import type { Account, Profile, Role, Subject } from '../account/resources.js';
import type { SessionTags } from '../pki/attributes.js';
import { explainUnmapped, formatUnmapped, mapAttributes } from '../pki/attributes.js';
import type { Certificate } from '../pki/certificate.js';
import { evaluateTrustPolicy } from '../policy/evaluate.js';
import { Refusal, refuseWith } from '../wire/handler.js';
import type { SessionFacts } from './session-context.js';
import {
  findForeignPolicy,
  formatContext,
  formatSerial,
  formatSourceIdentity,
  measurePolicy,
  SERVICE_PRINCIPAL,
} from './session-context.js';
import type { SessionRequest } from './session-request.js';

export interface Application {
  readonly account: Account;
  readonly asked: SessionRequest;
  readonly leaf: Certificate;
  readonly subject: Subject;
  readonly sourceIp: string | undefined;
  readonly at: Date;
  /** Refuse if an attribute could not be mapped to a session tag. */
  readonly strictAttributes: boolean;
}

/** The session that the checks allow. */
export interface Grant extends SessionFacts {
  readonly role: Role;
  readonly seconds: number;
  readonly packedPolicySize: number;
  /** A warning for the log. */
  readonly warning: string | undefined;
}

const deny = (message: string) => refuseWith(403, 'AccessDeniedException', message);
/** AWS's one message for all problems with the role, and the sentence that it adds in known cases. */
const unable = ({ roleArn }: SessionRequest, more?: string) =>
  deny(`Unable to assume role for ${roleArn}${more === undefined ? '' : `. ${more}`}`);
/** Each is decided separately. */
export const ACTIONS = ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'];

export function authorize(application: Application): Grant {
  const { account, asked, leaf, sourceIp } = application;
  const profile = findResource(account.profiles, 'profileArn', asked.profileArn, 'Profile'); // 12
  if (!profile.enabled) throw unable(asked)(`profile: ${profile.profileArn} is disabled`);
  checkSubject(application, profile); // 13 and 14
  const sessionName = chooseSessionName(application, profile); // 15
  const role = findRole(application, profile); // 16
  const sourceIdentity = formatSourceIdentity(leaf);
  if (sourceIdentity.length > 64) {
    const reason = `source identity: STS takes 64 characters, the common name has ${sourceIdentity.length}`;
    throw unable(asked)(reason); // 17
  }
  const seconds = chooseDuration(asked, profile, role); // 18
  checkManagedPolicies(application, profile); // 19, with the size
  const mapped = mapAttributes(leaf, profile.attributeMappings);
  const warning = explainUnmapped(mapped);
  if (application.strictAttributes && warning !== undefined) {
    throw unable(asked, formatUnmapped(mapped))(warning);
  }
  const packedPolicySize = measurePolicy(
    [...profile.managedPolicyArns, profile.sessionPolicy ?? ''],
    mapped.tags,
  );
  if (packedPolicySize > 100) {
    const consumed = `Packed policy consumes ${packedPolicySize}% of allotted space`;
    const message = `${consumed}, please use smaller policy.`;
    throw unable(asked, message)(`packed policy: tags and session policies take ${packedPolicySize} %`); // 19
  }
  const { trustAnchorArn } = asked;
  const facts = { trustAnchorArn, sessionName, sourceIdentity, tags: mapped.tags, sourceIp };
  checkTrustPolicy(application, role, facts, mapped); // 20
  return { ...facts, role, seconds, packedPolicySize, warning };
}

/** Finds a resource by ARN; refuses with the documented type and status if there is none. */
export function findResource<Name extends string, T extends Record<Name, string>>(
  all: ReadonlyMap<string, T>,
  name: Name,
  arn: string,
  what: string,
): T {
  const found = [...all.values()].find((one) => one[name] === arn);
  if (found !== undefined) return found;
  const known = [...all.values()].map((one) => one[name]).join(', ');
  const reason = `${what}: expected ${known || 'one that exists'}, found ${arn}`;
  throw new Refusal(404, 'ResourceNotFoundException', `${what} not found`, reason);
}

function checkSubject({ asked, subject }: Application, profile: Profile): void {
  if (!subject.enabled) throw unable(asked)(`subject: ${subject.x509Subject} is disabled`);
  const hasProperties = Object.keys(asked.instanceProperties ?? {}).length > 0;
  if (!profile.requireInstanceProperties || hasProperties) return;
  throw unable(asked)('instance properties: the profile requires some, found none');
}

function chooseSessionName({ asked, leaf }: Application, profile: Profile): string {
  if (asked.roleSessionName === undefined) return formatSerial(leaf);
  if (profile.acceptRoleSessionName) return asked.roleSessionName;
  const reason = `session name: the profile does not accept roleSessionName, found ${asked.roleSessionName}`;
  throw deny('Not authorized to set roleSessionName.')(reason);
}

function findRole({ account, asked }: Application, profile: Profile): Role {
  const { roleArn } = asked;
  if (!profile.roleArns.includes(roleArn)) {
    throw unable(asked)(`role: the profile has ${profile.roleArns.join(', ') || 'none'}, found ${roleArn}`);
  }
  const role = [...account.roles.values()].find(({ arn }) => arn === roleArn);
  if (role === undefined) throw unable(asked)(`role: there is no ${roleArn} in account ${account.accountId}`);
  return role;
}

/** The shorter of request and profile. A duration above the role's maximum is an error and not shortened. */
function chooseDuration(asked: SessionRequest, { durationSeconds }: Profile, role: Role): number {
  const seconds = Math.min(durationSeconds, asked.durationSeconds ?? durationSeconds);
  if (seconds <= role.maxSessionDuration) return seconds;
  const reason = `duration: the role's maximum is ${role.maxSessionDuration} s, found ${seconds} s`;
  throw unable(
    asked,
    'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
  )(reason);
}

/** A profile may hold more than STS accepts. Whether the policies exist is not checked. */
function checkManagedPolicies({ account, asked }: Application, { managedPolicyArns: arns }: Profile): void {
  if (arns.length > 10) {
    throw unable(asked)(`managed policies: STS takes 10 for a session, the profile has ${arns.length}`);
  }
  const wrong = findForeignPolicy(arns, account.accountId);
  if (wrong === undefined) return;
  throw unable(asked)(`managed policies: expected those of AWS or of ${account.accountId}, found ${wrong}`);
}

function checkTrustPolicy(
  { account, asked, at }: Application,
  role: Role,
  facts: SessionFacts,
  mapped: SessionTags,
): void {
  const { isAllowed, reasons } = evaluateTrustPolicy(role.assumeRolePolicyDocument, {
    actions: ACTIONS,
    principal: { Service: SERVICE_PRINCIPAL },
    context: formatContext(facts, account, at),
  });
  if (isAllowed) return;
  const causes = [`trust policy: ${reasons.join('; ')}`, explainUnmapped(mapped) ?? []].flat();
  throw unable(asked, formatUnmapped(mapped))(causes.join('; '));
}
