/** The line about a role's trust policy: whether it allows this session, and which condition fails. */
import { asRolesAnywhereError, ServiceError } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import { parseArn } from '../../options/arn.js';
import { explainRefusal } from '../../session/refusal-causes.js';
import type { Examination } from './examination.js';
import type { Line } from './line.js';
import { failed, ok, skipped } from './line.js';

/** The evaluator: the emulator's. */
export type Judge = (
  policy: string,
  place: {
    readonly trustAnchorArn: string;
    readonly region: string;
    readonly accountId: string;
    readonly now: Date;
  },
) => { readonly isAllowed: boolean; readonly reasons: readonly string[] };

export async function trustPolicyLine(
  { settings, now, checked }: Examination,
  path: string,
  judge: Judge,
): Promise<Line> {
  const what = 'trust policy';
  if (settings === undefined || checked === undefined) {
    return skipped(what, 'not evaluated: it needs the ARNs of trust anchor, profile and role');
  }
  const { trustAnchorArn } = settings;
  const { region, accountId } = parseArn(trustAnchorArn, 'trust-anchor', 'trust anchor');
  let policy: string;
  try {
    policy = policyIn((await readTextFile(path, `trust policy ${path}`)).text);
  } catch (error) {
    return failed(what, asRolesAnywhereError(error));
  }
  const { isAllowed, reasons } = judge(policy, { trustAnchorArn, region, accountId, now: now() });
  if (isAllowed) return ok(what, `${path} allows this certificate's session`);
  const error = new ServiceError('ERR_SERVICE_DENIED', `${path} does not allow this certificate's session`, {
    status: 403,
  });
  // The first reason names the denial. No further statement can help then.
  if (reasons.some((reason) => reason.includes(': denied by '))) return failed(what, error, reasons);
  const refused = { ...settings, certificate: checked.certificate };
  const { code, type, hint } = error;
  const { statement } = explainRefusal({ message: 'Unable to assume role', code, type, hint }, refused);
  return failed(what, error, [...reasons, ...statementAdvice(statement)]);
}

/** The policy itself, or the output of `aws iam get-role`. */
function policyIn(text: string): string {
  try {
    const { Role: role } = JSON.parse(text) as { Role?: { AssumeRolePolicyDocument?: unknown } };
    return role?.AssumeRolePolicyDocument === undefined
      ? text
      : JSON.stringify(role.AssumeRolePolicyDocument);
  } catch {
    // The evaluator reports the fault.
    return text;
  }
}

export function statementAdvice(statement: object | undefined): string[] {
  if (statement === undefined) return [];
  return [`this statement in the role's trust policy allows it:\n${JSON.stringify(statement, undefined, 2)}`];
}
