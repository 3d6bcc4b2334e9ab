/** An account with roles, a session of one of them, and STS, without a server. */
import { addRole, createAccount, uniqueIdOf } from '../../../src/emulator/account/account.js';
import type { Account } from '../../../src/emulator/account/resources.js';
import type {
  CredentialStore,
  IssuedCredentials,
  SessionNames,
} from '../../../src/emulator/sessions/credential-store.js';
import { createCredentialStore } from '../../../src/emulator/sessions/credential-store.js';
import { stsService } from '../../../src/emulator/sts/sts.js';
import type { EmulatorResponse, Handler } from '../../../src/emulator/wire/handler.js';
import { createHandler } from '../../../src/emulator/wire/handler.js';
import { createQueryOperation } from '../../../src/emulator/wire/query-protocol.js';
import { NOW } from '../pki/certificates.js';
import type { HmacDraft } from '../sessions/sign.js';
import { formatDate, signHmac } from '../sessions/sign.js';

export const ACCOUNT_ID = '123456789012';
export const ROLE = `arn:aws:iam::${ACCOUNT_ID}:role/Hosts`;
export const TARGET = `arn:aws:iam::${ACCOUNT_ID}:role/Target`;
export const SESSION = `arn:aws:sts::${ACCOUNT_ID}:assumed-role/Hosts/0fa1`;

export type Parameters = Readonly<Record<string, string | undefined>>;

export interface Sts {
  readonly account: Account;
  readonly store: CredentialStore;
  readonly lines: string[];
  now: Date;
  readonly handle: Handler;
  addRole(roleName: string, statement: unknown, maxSessionDuration?: number): void;
  issue(names?: Partial<SessionNames>): IssuedCredentials;
  /** A correctly signed call, unless the draft changes it. */
  call(
    caller: IssuedCredentials,
    parameters: Parameters,
    draft?: Partial<HmacDraft>,
  ): Promise<EmulatorResponse>;
}

export function makeSts(region = 'us-east-1'): Sts {
  const account = createAccount(region, ACCOUNT_ID);
  const store = createCredentialStore();
  const lines: string[] = [];
  const operations = [createQueryOperation(stsService(account, store))];
  const handle = createHandler(operations, { now: () => sts.now, log: (line) => lines.push(line) });
  const sts: Sts = {
    account,
    store,
    lines,
    now: NOW,
    handle,
    addRole(roleName, statement, maxSessionDuration = 43_200) {
      const assumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statement });
      addRole(account, { roleName, assumeRolePolicyDocument, maxSessionDuration }, NOW);
    },
    issue: (names = {}) =>
      store.issue(
        { roleArn: ROLE, roleId: uniqueIdOf('AROA', ROLE), sessionName: '0fa1', ...names },
        3600,
        NOW,
      ),
    call({ accessKeyId, secretAccessKey, sessionToken }, parameters, draft = {}) {
      const form = { Version: '2011-06-15', ...parameters };
      const pairs = Object.entries(form).flatMap(([name, value]) =>
        value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
      );
      const keys = { accessKeyId, secretAccessKey, sessionToken };
      return handle(
        signHmac({ ...keys, region, date: formatDate(sts.now), body: pairs.join('&'), ...draft }),
      );
    },
  };
  sts.addRole('Hosts', {
    Effect: 'Allow',
    Principal: { Service: 'rolesanywhere.amazonaws.com' },
    Action: 'sts:AssumeRole',
  });
  return sts;
}

/** The text of the first element with that name. */
export function readElement(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
