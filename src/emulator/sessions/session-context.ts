/**
 * Derives from certificate and request the names of a session, the context for its trust policy, and the size
 * of its packed policy.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html, STS AssumeRole for the
 * limits, and https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { Account } from '../account/resources.js';
import type { Certificate } from '../pki/certificate.js';
import { COMMON_NAME, valuesOf } from '../pki/names.js';
import type { PolicyRequest } from '../policy/evaluate.js';

export const SERVICE_PRINCIPAL = 'rolesanywhere.amazonaws.com';

/** Lower-case hexadecimal in whole octets. The padding is inferred. */
export function formatSerial({ serialNumber }: Certificate): string {
  const hex = serialNumber.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/**
 * The source identity, which CloudTrail shows. STS limits it to 64 characters, so a long common name has no
 * prefix. Of several common names the first counts, and an empty one counts as absent: both inferred. AWS was
 * seen to accept spaces, which the character set of STS's own parameter excludes.
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

/** Tags appear as tags of the request and, as the user guide describes, of the principal. */
export function formatContext(
  facts: SessionFacts,
  account: Pick<Account, 'accountId' | 'region'>,
  at: Date,
): PolicyRequest['context'] {
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
    // AWS's endpoints use TLS, whatever the emulator uses.
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': 'true',
    'aws:PrincipalServiceName': SERVICE_PRINCIPAL,
    ...(sourceIp === undefined ? {} : { 'aws:SourceIp': sourceIp }),
  };
}

/**
 * The first ARN that is no managed policy of AWS or of the account. Whether the policies exist is not checked.
 */
export function findForeignPolicy(arns: readonly string[], accountId: string): string | undefined {
  return arns.find((arn) => {
    const owner = /^arn:aws[a-z-]*:iam::(\w+):policy\/./.exec(arn)?.[1];
    return owner !== 'aws' && owner !== accountId;
  });
}

/**
 * The packed size of session policies and tags in percent of STS's limit. STS documents neither the packing
 * nor the limit. Here: octets of plain text out of 4096, which is a little more than the values in STS's
 * reference.
 */
export function measurePolicy(policies: readonly string[], tags: ReadonlyMap<string, string>): number {
  const parts = [...tags].flat().concat(policies);
  return Math.ceil((Buffer.byteLength(parts.join('')) / 4096) * 100);
}
