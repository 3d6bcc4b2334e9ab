/**
 * Matches the `Principal` of a statement with the caller.
 *
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
import type { Outcome } from './outcome.js';

/** The caller. A session of an assumed role has two ARNs, its own and that of its role: give both. */
export type Caller = { readonly Service: string } | { readonly AWS: string | readonly string[] };

/** By type. */
export type Principals = Readonly<Record<string, readonly string[]>>;

const ACCOUNT = /^(?:arn:(aws[a-z-]*):iam::)?(\d{12})(?::root)?$/;

/** The valid values by type. As documented, names have no wildcards. */
const FORMS: Readonly<Record<string, readonly RegExp[]>> = {
  // AWS shows unique ids such as AROA… for a deleted role; whether it accepts them is unknown.
  AWS: [
    /^(\*|\d{12})$/,
    /^arn:aws[a-z-]*:iam::\d{12}:(root|(user|role)\/[\w+=,.@/-]+)$/,
    /^arn:aws[a-z-]*:sts::\d{12}:(assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+|federated-user\/[\w+=,.@-]+)$/,
  ],
  Service: [/^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.(com(\.cn)?|eu)|amazon\.com|aws\.internal)$/],
  Federated: [/^([a-z0-9.-]+|arn:aws[a-z-]*:iam::\d{12}:(saml|oidc)-provider\/[\w+=,.@/:-]+)$/],
};

export function isPrincipal(type: string, value: string): boolean {
  return Object.hasOwn(FORMS, type) && FORMS[type]?.some((form) => form.test(value)) === true;
}

export function matchPrincipal(principals: Principals, caller: Caller): Outcome {
  if ('Service' in caller) {
    const names = principals['Service'] ?? [];
    if (names.includes(caller.Service)) return true;
    // `*` is documented as everyone. Whether that includes services is not, so only a Deny applies.
    return principals['AWS']?.includes('*') === true && 'unknown';
  }
  const arns = [caller.AWS].flat();
  const values = principals['AWS'] ?? [];
  return values.some((value) => value === '*' || arns.some((arn) => isSame(value, arn)));
}

/** An account as principal means everyone in it. */
function isSame(value: string, arn: string): boolean {
  const [, partition, account] = ACCOUNT.exec(value) ?? [];
  if (account === undefined) return value === arn;
  const [, callerPartition, , , callerAccount] = arn.split(':');
  return account === callerAccount && (partition ?? callerPartition) === callerPartition;
}

export function formatPrincipals(principals: Principals): string {
  const types = Object.entries(principals);
  return types.map(([type, values]) => `${type} ${values.join(' or ')}`).join(', ');
}

export function formatCaller(caller: Caller): string {
  return 'Service' in caller ? `Service ${caller.Service}` : `AWS ${[caller.AWS].flat().join(' of ')}`;
}
