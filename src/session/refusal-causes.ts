/**
 * Explains a refusal of CreateSession: its causes, the likely ones first, and the statement that a role's
 * trust policy needs.
 *
 * Source: the messages that users of the service have quoted, "Trust model" of the user guide. One message of
 * the service has many causes, and it does not say which.
 */
import type { ServiceError } from '../errors.js';
import { denialIn } from './refusal-advice.js';

/** A statement of a trust policy, as JSON. */
export interface TrustStatement {
  readonly Effect: 'Allow';
  readonly Principal: { readonly Service: string };
  readonly Action: readonly string[];
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface Explanation {
  /** The likely ones first, one line each, each with what to do. */
  readonly causes: readonly string[];
  /** Allows this session in the role's trust policy; undefined if the policy is not the cause. */
  readonly statement: TrustStatement | undefined;
}

/** The refused request: the ARNs and options of `createSession`. */
export interface RefusedRequest {
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  /** Seconds. Default 3600. */
  readonly durationSeconds?: number | undefined;
  /** The certificate that was sent; a `Certificate` fits. */
  readonly certificate: { readonly subject: string; readonly issuer: string };
}

type Explain = (refused: RefusedRequest) => readonly string[];

const idOf = (arn: string): string => arn.slice(arn.indexOf('/') + 1);
const roleNameOf = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);

/** By the text of `refusal-advice.ts` that the service's message contains. */
const CAUSES: Readonly<Record<string, Explain>> = {
  'Untrusted signing certificate': ({ certificate, trustAnchorArn }) => [
    `the trust anchor holds another CA than the issuer, ${certificate.issuer}: compare ` +
      showAnchor(trustAnchorArn),
    'an intermediate CA is missing between certificate and trust anchor: give it as intermediates',
    'the CA has a new key under its old name: put its new certificate into the trust anchor',
    'the certificate, or a CA above it, is in a revocation list that was imported, or has expired',
  ],
  'Insufficient certificate': () => [
    'the certificate has no keyUsage digitalSignature: issue it again with keyUsage = critical, ' +
      'digitalSignature',
    'the certificate is a CA (CA:TRUE): use an end-entity certificate',
    'it has a critical extension or a kind of signature that the service does not know',
  ],
  'DurationSeconds exceeds': ({ durationSeconds = 3600, roleArn }) => [
    `${durationSeconds} seconds are more than the role's MaxSessionDuration (default 3600): ask for fewer`,
    `or raise it: aws iam update-role --role-name ${roleNameOf(roleArn)} ` +
      `--max-session-duration ${durationSeconds}`,
  ],
  roleSessionName: ({ profileArn }) => [
    'the profile does not accept a session name (its default): leave the name out',
    `or accept it: aws rolesanywhere update-profile --profile-id ${idOf(profileArn)} ` +
      '--accept-role-session-name',
  ],
  'Unable to assume role': ({ roleArn, profileArn }) => [
    'the trust policy of the role does not allow it: add the statement below, or check its conditions ' +
      `against this certificate: aws iam get-role --role-name ${roleNameOf(roleArn)} ` +
      '--query Role.AssumeRolePolicyDocument > role.json; rolesanywhere doctor --trust-policy role.json',
    `the profile does not list the role: aws rolesanywhere get-profile --profile-id ${idOf(profileArn)}`,
    'the trust policy allows only sts:AssumeRole: sts:TagSession and sts:SetSourceIdentity are required too',
    'the role does not exist, or profile or subject are disabled',
  ],
  'Invalid signature': () => [
    'the clock of this machine is wrong: signatures last 5 minutes',
    'a proxy alters the request, or the request reaches another host than the signed one (a custom endpoint)',
    'the private key is not that of the certificate: here both were compared, so this is unlikely',
  ],
};

function showAnchor(arn: string): string {
  return `aws rolesanywhere get-trust-anchor --trust-anchor-id ${idOf(arn)}`;
}

const NOT_FOUND: Explain = ({ trustAnchorArn, profileArn }) => [
  `trust anchor or profile do not exist in this account and region: ${showAnchor(trustAnchorArn)}; ` +
    `aws rolesanywhere get-profile --profile-id ${idOf(profileArn)}`,
  'trust anchor or profile are disabled: aws rolesanywhere enable-trust-anchor, enable-profile',
];

/**
 * Explains an error of `createSession` that the service has answered.
 *
 * @param error a ServiceError
 * @param refused the ARNs and options of the request
 * @returns no causes for a refusal that is not known
 * @example
 * createSession(options).catch((error) => {
 *   if (!(error instanceof ServiceError)) throw error;
 *   const { causes, statement } = explainRefusal(error, { ...options, certificate: identity.certificate });
 *   console.error(error.message, causes, JSON.stringify(statement));
 * });
 */
export function explainRefusal(
  { message, type, code, hint }: Pick<ServiceError, 'message' | 'type' | 'code' | 'hint'>,
  refused: RefusedRequest,
): Explanation {
  const known = code === 'ERR_SERVICE_DENIED' ? denialIn(message) : undefined;
  const explain = type === 'ResourceNotFoundException' ? NOT_FOUND : CAUSES[known ?? ''];
  // The hint names the attributes that were not mapped, or says that the clock is wrong: facts of this answer.
  const isFact = /failed to be mapped|this machine's clock is/.test(message);
  const causes = explain?.(refused) ?? [];
  return {
    causes: isFact && hint !== undefined ? [hint, ...causes] : causes,
    statement: known === 'Unable to assume role' ? statementFor(refused) : undefined,
  };
}

/** The user guide's statement, for this trust anchor and the common name of this certificate. */
function statementFor({ trustAnchorArn, certificate }: RefusedRequest): TrustStatement {
  const commonName = /(?:^|, )CN=([^,]+)/.exec(certificate.subject)?.[1];
  const equals = commonName === undefined ? undefined : { 'aws:PrincipalTag/x509Subject/CN': commonName };
  return {
    Effect: 'Allow',
    Principal: { Service: 'rolesanywhere.amazonaws.com' },
    Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
    Condition: {
      ArnEquals: { 'aws:SourceArn': trustAnchorArn },
      ...(equals && { StringEquals: equals }),
    },
  };
}
