/**
 * Evaluates a trust policy for a caller and a context, and gives the reasons of the decision.
 *
 * An explicit Deny wins; without an Allow the answer is no. Stricter than AWS where AWS's behaviour is unknown
 * (see `outcome.ts`). More lenient in one point: if the trust policy names a whole account, AWS also asks the
 * identity policies of the caller, which the emulator does not have. The clock is part of the context, as
 * `aws:CurrentTime`.
 * Rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import type { Context } from './condition.js';
import { judgeCondition, readContext } from './condition.js';
import type { Statement } from './document.js';
import { parseTrustPolicy } from './document.js';
import type { Outcome } from './outcome.js';
import { allOf } from './outcome.js';
import { isAction } from './pattern.js';
import type { Caller } from './principal.js';
import { formatCaller, formatPrincipals, matchPrincipal } from './principal.js';

export interface PolicyRequest {
  /** Such as `sts:AssumeRole`. Each is decided separately, and all must be allowed. */
  readonly actions: readonly string[];
  /**
   * The caller: `{ Service: 'rolesanywhere.amazonaws.com' }`, or `{ AWS: <arn> }`, `{ AWS: [<session arn>,
   * <role arn>] }`.
   */
  readonly principal: Caller;
  /**
   * Condition keys and their values, such as `aws:PrincipalTag/x509Subject/CN`, `aws:SourceArn`,
   * `sts:SourceIdentity`, `aws:CurrentTime`. Keys are case-insensitive. Lists belong to the keys that AWS
   * documents as multivalued, such as `aws:TagKeys`, also with one value.
   */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

export interface Decision {
  readonly isAllowed: boolean;
  /** For the log: the statement and the condition that decided, with the compared values; one line each. */
  readonly reasons: readonly string[];
}

/** Whether a statement, whatever its actions, applies to this caller in this context. */
interface JudgedStatement {
  readonly statement: Statement;
  readonly outcome: Outcome;
  /** For a Deny all conditions, for an Allow those that keep it from applying. */
  readonly reasons: readonly string[];
}

/** @param document JSON text of an AssumeRolePolicyDocument; one that IAM would refuse allows nothing */
export function evaluateTrustPolicy(document: string, request: PolicyRequest): Decision {
  const policy = parseTrustPolicy(document);
  if ('reason' in policy)
    return { isAllowed: false, reasons: [`policy: ${policy.message} ${policy.reason}`] };
  const context = readContext(request.context);
  const judged = policy.statements.map((statement) =>
    judgeStatement(statement, request.principal, context, policy.hasVariables),
  );
  const decisions = request.actions.map((action) => decide(action, judged));
  const isAllowed = decisions.length > 0 && decisions.every((decision) => decision.isAllowed);
  const told = decisions.filter((decision) => decision.isAllowed === isAllowed);
  return { isAllowed, reasons: [...new Set(told.flatMap(({ reasons }) => reasons))] };
}

function judgeStatement(
  statement: Statement,
  caller: Caller,
  context: Context,
  hasVariables: boolean,
): JudgedStatement {
  const { label, principals, conditions, effect } = statement;
  const isCaller = matchPrincipal(principals, caller);
  const remark =
    isCaller === 'unknown' ? ', and whether * stands for services in a trust policy is unknown' : '';
  const who = `Principal: expected ${formatPrincipals(principals)}, found ${formatCaller(caller)}${remark}`;
  const judgements = [
    { outcome: isCaller, text: who },
    ...conditions.map((condition) => judgeCondition(condition, context, hasVariables)),
  ];
  const outcome = allOf(judgements.map((judgement) => judgement.outcome));
  const isDeny = effect === 'Deny';
  const told = isDeny ? judgements : judgements.filter((judgement) => judgement.outcome !== true);
  return { statement, outcome, reasons: told.map(({ text }) => `${label}: ${text}`) };
}

function decide(action: string, judged: readonly JudgedStatement[]): Decision {
  const isAbout = ({ statement }: JudgedStatement) =>
    statement.actions.some((pattern) => isAction(pattern, action)) !== statement.isNotAction;
  const denial = judged.find(
    (one) => one.statement.effect === 'Deny' && isAbout(one) && one.outcome !== false,
  );
  if (denial !== undefined) {
    return {
      isAllowed: false,
      reasons: [`${action}: denied by ${denial.statement.label}`, ...denial.reasons],
    };
  }
  const allows = judged.filter(({ statement }) => statement.effect === 'Allow');
  const grant = allows.find((one) => isAbout(one) && one.outcome === true);
  if (grant !== undefined) {
    return { isAllowed: true, reasons: [`${action}: allowed by ${grant.statement.label}`] };
  }
  const obstacles = allows.flatMap((one) => (isAbout(one) ? one.reasons : [explainAction(one, action)]));
  return { isAllowed: false, reasons: [`${action}: no statement allows it`, ...obstacles] };
}

function explainAction({ statement }: JudgedStatement, action: string): string {
  const { label, actions, isNotAction } = statement;
  return `${label}: ${isNotAction ? 'NotAction' : 'Action'} has ${actions.join(', ')}, found ${action}`;
}
