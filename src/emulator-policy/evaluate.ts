/**
 * A role's trust policy and what is known of the caller in, the decision and its reasons out. Pure.
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */

export interface PolicyRequest {
  /** Such as `sts:AssumeRole`. Each is decided for itself, and all must be allowed. */
  readonly actions: readonly string[];
  /** Who asks: `{ Service: 'rolesanywhere.amazonaws.com' }`, or `{ AWS: <arn> }`. */
  readonly principal: { readonly Service: string } | { readonly AWS: string };
  /**
   * Condition keys and their values, such as `aws:PrincipalTag/x509Subject/CN`, `aws:SourceArn`, `sts:SourceIdentity`.
   * Looked up whatever the case of the key. An absent key is not in the request.
   */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

export interface Decision {
  readonly isAllowed: boolean;
  /** For the log: which statement and which condition failed, with the values compared; one line each. */
  readonly reasons: readonly string[];
}

/** @param document JSON text of an AssumeRolePolicyDocument */
export function evaluateTrustPolicy(_document: string, _request: PolicyRequest): Decision {
  // The evaluator is not built yet: nothing asks it so far.
  return { isAllowed: false, reasons: ['policy: not evaluated'] };
}
