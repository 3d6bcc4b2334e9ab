/** Asks STS whose credentials these are (GetCallerIdentity). Every valid credentials may call it. */
import type { AccessKey } from '../../signing/sign-with-access-key.js';
import type { HttpResponse } from '../response.js';
import type { StsContext, StsSettings } from './call-sts.js';
import { callSts } from './call-sts.js';
import { invalidAnswer } from './response.js';
import type { XmlElement } from './xml.js';
import { textOf } from './xml.js';

export interface CallerIdentity {
  /** `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string;
  /** 12 digits. */
  readonly accountId: string;
  /** `<role id>:<session>`. */
  readonly userId: string;
}

/** @throws as `callSts` */
export function getCallerIdentity(
  credentials: AccessKey,
  settings: StsSettings,
  context: StsContext,
): Promise<CallerIdentity> {
  const parse = (result: XmlElement, response: HttpResponse): CallerIdentity => {
    const [arn, accountId, userId] = ['Arn', 'Account', 'UserId'].map((name) => textOf(result, name));
    if (arn && accountId && userId) return { arn, accountId, userId };
    throw invalidAnswer(response, 'STS answered GetCallerIdentity without ARN, account and user id');
  };
  return callSts({ action: 'GetCallerIdentity', parameters: {}, parse }, credentials, settings, context);
}
