/** Asks STS whose credentials these are (GetCallerIdentity). Every valid credentials may call it. */
import type { AccessKey } from '../../signing/sign-with-access-key.js';
import type { CallContext } from '../call-service.js';
import type { StsSettings } from './call-sts.js';
import { callSts } from './call-sts.js';
import { invalidAnswer } from './response.js';
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
  context: CallContext = {},
): Promise<CallerIdentity> {
  const call = {
    action: 'GetCallerIdentity' as const,
    parameters: {},
    parse: (result: Parameters<typeof textOf>[0], response: Parameters<typeof invalidAnswer>[0]) => {
      const [arn, accountId, userId] = ['Arn', 'Account', 'UserId'].map((name) => textOf(result, name));
      if (arn && accountId && userId) return { arn, accountId, userId };
      throw invalidAnswer(response, 'STS answered GetCallerIdentity without ARN, account and user id');
    },
  };
  return callSts(call, credentials, settings, context);
}
