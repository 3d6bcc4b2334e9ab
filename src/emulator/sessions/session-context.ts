/**
 * What a session is called and what is known of it. In: certificate, request, profile. Out: session name, source
 * identity, the context that the role's trust policy is judged in, and the size of what STS packs into the token.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html, STS AssumeRole for the limits, and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { Account } from '../account/resources.js';
import type { Certificate } from '../pki/certificate.js';
import { COMMON_NAME, valuesOf } from '../pki/names.js';
import type { PolicyRequest } from '../policy/evaluate.js';

export const SERVICE_PRINCIPAL = 'rolesanywhere.amazonaws.com';

/** Lower-case hexadecimal, whole octets: that it is padded is inferred. */
export function formatSerial({ serialNumber }: Certificate): string {
  const hex = serialNumber.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/**
 * What CloudTrail shows; STS limits it to 64 characters, so a long common name stands without its prefix. Of several
 * common names the first one counts, and an empty one is none: both inferred. STS's own limits on characters would refuse
 * every name with a space, which AWS was seen to take.
 */
export function formatSourceIdentity(leaf: Certificate): string {
  const commonName = valuesOf(leaf.subject, COMMON_NAME)[0] ?? '';
  if (commonName === '') return `ID=${formatSerial(leaf)}`;
  return commonName.length <= 61 ? `CN=${commonName}` : commonName;
}

export interface SessionFacts {
  readonly trustAnchorArn: string;
  readonly sessionName: string;
  readonly sourceIdentity: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly sourceIp: string | undefined;
}

/** Tags appear as those of the request and, as the user guide has it, as those of the principal. */
export function formatContext(facts: SessionFacts, account: Account, at: Date): PolicyRequest['context'] {
  const { trustAnchorArn, sessionName, sourceIdentity, tags, sourceIp } = facts;
  const tagged = [...tags].flatMap(([key, value]) => [
    [`aws:PrincipalTag/${key}`, value],
    [`aws:RequestTag/${key}`, value],
  ]);
  return {
    ...Object.fromEntries(tagged),
    'aws:TagKeys': [...tags.keys()],
    'aws:SourceArn': trustAnchorArn,
    'aws:SourceAccount': account.accountId,
    'sts:SourceIdentity': sourceIdentity,
    'sts:RoleSessionName': sessionName,
    'aws:CurrentTime': at.toISOString(),
    'aws:EpochTime': String(Math.floor(at.getTime() / 1000)),
    'aws:RequestedRegion': account.region,
    // AWS is asked over TLS; that the emulator is not says nothing about the policy.
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': 'true',
    'aws:PrincipalServiceName': SERVICE_PRINCIPAL,
    ...(sourceIp === undefined ? {} : { 'aws:SourceIp': sourceIp }),
  };
}

/** The first that is no managed policy of AWS or of the account. Whether those exist is not looked at. */
export function findForeignPolicy(arns: readonly string[], accountId: string): string | undefined {
  return arns.find((arn) => {
    const owner = /^arn:aws[a-z-]*:iam::(\w+):policy\/./.exec(arn)?.[1];
    return owner !== 'aws' && owner !== accountId;
  });
}

/**
 * How much of the room that STS has for session policies and tags is taken, in percent. STS packs them in a form that it
 * does not document, into a room whose size it does not document. Here: octets of the plain text out of 4096, which gives
 * a little more than the answers in STS's reference.
 */
export function measurePolicy(policies: readonly string[], tags: ReadonlyMap<string, string>): number {
  const parts = [...tags].flat().concat(policies);
  return Math.ceil((Buffer.byteLength(parts.join('')) / 4096) * 100);
}
