/**
 * `rolesanywhere whoami` shows the identity of the credentials (GetCallerIdentity) and the source of their
 * session tags.
 */

import { wholeSeconds } from '../../credentials/process-json.js';
import { identityProvider, openSessionSource } from '../../credentials/session-source.js';
import { oneLine } from '../../errors.js';
import type { SigningIdentity } from '../../identity/identity.js';
import type { Session } from '../../session/response.js';
import type { CallerIdentity } from '../../session/sts/caller-identity.js';
import { getCallerIdentity } from '../../session/sts/caller-identity.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { readSession } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { jsonText } from '../terminal/json-text.js';

const FLAGS = {
  json: { flag: 'json', kind: { type: 'boolean' }, default: false, help: 'print JSON' },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups({}, FLAGS),
  example: '--config host.json',
  run,
};

/** The output. It has no secret. */
interface Findings {
  readonly caller: CallerIdentity;
  readonly session: Session;
  readonly certificate: SigningIdentity['certificate'];
}

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context, options } = await readSession(args, FLAGS, io);
  const { logger, attempts } = context;
  // Loaded once, for the session and for the output.
  const identity = await identityProvider(settings, { ...context, now })(logger);
  const source = openSessionSource(settings, { ...context, now, identity: async () => identity });
  const session = await source.create();
  const caller = await getCallerIdentity(session, settings, { logger, attempts, now });
  const findings = { caller, session, certificate: identity.certificate };
  await print(io.stdout, options.json ? formatJson(findings) : formatText(findings, now()));
}

function formatJson({ caller, session, certificate }: Findings): string {
  const { arn, accountId, userId } = caller;
  const { roleArn, expiration, sourceIdentity } = session;
  const { subject, issuer, serialNumber } = certificate;
  const value = {
    ...{ arn, account: accountId, userId, roleArn, expiration: wholeSeconds(expiration), sourceIdentity },
    sessionTagsFrom: { subject, issuer, serialNumber },
  };
  return jsonText(value);
}

function formatText({ caller, session, certificate }: Findings, now: Date): string {
  const { arn, accountId, userId } = caller;
  const { expiration, sourceIdentity } = session;
  const minutes = Math.floor((expiration.getTime() - now.getTime()) / 60_000);
  const rows = {
    ARN: arn,
    account: accountId,
    'user id': userId,
    expires: `${wholeSeconds(expiration)}, in ${minutes} min`,
    'source identity': sourceIdentity ?? 'none',
    'session tags': describeCertificate(certificate),
  };
  return Object.entries(rows)
    .map(([name, value]) => `${`${name}:`.padEnd(17)}${oneLine(value, 1100)}\n`)
    .join('');
}

function describeCertificate({ subject, issuer, serialNumber }: Findings['certificate']): string {
  const name = subject || 'an empty subject';
  return `from the certificate of ${name}, issued by ${issuer}, serial number ${serialNumber}`;
}
