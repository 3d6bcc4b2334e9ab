/** Examines ARNs, the AWS config, the network and the service, up to a session and the caller's identity. */
import { openSessionSource } from '../../credentials/session-source.js';
import type { RolesAnywhereError } from '../../errors.js';
import { asRolesAnywhereError, ServiceError } from '../../errors.js';
import { fileStatus } from '../../files/file-status.js';
import { readAwsFile } from '../../files/read-file.js';
import type { SigningIdentity } from '../../identity/identity.js';
import { explainRefusal } from '../../session/refusal-causes.js';
import type { Session } from '../../session/response.js';
import type { Settings } from '../../session/settings.js';
import { settingsFrom } from '../../session/settings.js';
import { assumeRoles } from '../../session/sts/assume-role.js';
import { getCallerIdentity } from '../../session/sts/caller-identity.js';
import { awsConfigPath } from '../options/aws-paths.js';
import { arnLines } from './arns.js';
import { timeLeft } from './certificate.js';
import type { Examination } from './examination.js';
import type { Group, Line } from './line.js';
import { failed, ok, skipped } from './line.js';
import { endpointLines, networkLines } from './network.js';
import { processLines } from './process-line.js';
import { statementAdvice } from './trust-policy.js';

export async function examineArns(examination: Examination): Promise<Group> {
  const { choices, options, context, source } = examination;
  const lines = arnLines(choices, options.offline);
  // A certificate that is not given has a line of its own.
  if (source.certificate !== undefined && lines.every(({ mark }) => mark === 'ok' || mark === 'warning')) {
    try {
      examination.settings = settingsFrom(choices, { env: context.env });
      lines.push(...endpointLines(examination.settings, choices.endpoint));
    } catch (error) {
      lines.push(failed('options', asRolesAnywhereError(error)));
    }
  }
  return { title: 'ARNs and endpoint', lines };
}

export async function examineAwsConfig({ context, options }: Examination): Promise<Group> {
  const path = awsConfigPath(context.env);
  const title = 'AWS config';
  try {
    const file = await readAwsFile(path, `AWS config file ${path}`);
    const { text, hasByteOrderMark = false } = file ?? {};
    const config = { path, text, hasByteOrderMark, profile: options.profile, env: context.env };
    return { title, lines: await processLines(config, fileStatus) };
  } catch (error) {
    return { title, lines: [failed('AWS config', asRolesAnywhereError(error))] };
  }
}

export async function examineNetwork(examination: Examination): Promise<Group | undefined> {
  const { settings, options, now } = examination;
  if (settings === undefined || options.offline) return undefined;
  const lines = await networkLines(settings, now);
  examination.isBlocked ||= lines.some(({ mark, what }) => mark === 'error' && what !== 'clock');
  return { title: 'Network', lines };
}

export async function examineService(examination: Examination): Promise<Group | undefined> {
  const { settings, identity, options, isBlocked } = examination;
  if (options.offline) return undefined;
  const title = 'IAM Roles Anywhere';
  if (settings === undefined || identity === undefined || isBlocked) {
    return { title, lines: [skipped('CreateSession', 'not tried, because of the errors above')] };
  }
  return { title, lines: await sessionLines(examination, settings, identity) };
}

async function sessionLines(
  examination: Examination,
  settings: Settings,
  identity: SigningIdentity,
): Promise<Line[]> {
  const { context, now } = examination;
  const lines: Line[] = [];
  // Roles are assumed one by one below; a cached session would tell nothing.
  const first = { ...settings, assumeRoles: [] };
  const source = openSessionSource(first, { ...context, cache: false, identity: async () => identity, now });
  const calls = { logger: context.logger, attempts: context.attempts, now };
  let what = 'CreateSession';
  try {
    let session = await source.create();
    lines.push(sessionLine(what, session, now()));
    for (const role of settings.assumeRoles) {
      what = 'AssumeRole';
      session = await assumeRoles(session, { ...settings, assumeRoles: [role] }, calls);
      lines.push(sessionLine(what, session, now()));
    }
    what = 'GetCallerIdentity';
    const { arn, accountId, userId } = await getCallerIdentity(session, settings, calls);
    return [...lines, ok(what, `${arn}, account ${accountId}, user id ${userId}`)];
  } catch (error) {
    const refused = { ...settings, certificate: identity.certificate };
    const known = asRolesAnywhereError(error);
    return [...lines, what === 'CreateSession' ? refusalLine(known, refused) : failed(what, known)];
  }
}

function sessionLine(what: string, { assumedRole, roleArn, expiration }: Session, now: Date): Line {
  const who = assumedRole.arn ?? roleArn;
  return ok(what, `${who}, until ${expiration.toISOString()}, ${timeLeft(expiration, now)} left`);
}

function refusalLine(error: RolesAnywhereError, refused: Parameters<typeof explainRefusal>[1]): Line {
  if (!(error instanceof ServiceError)) return failed('CreateSession', error);
  const { causes, statement } = explainRefusal(error, refused);
  return causes.length === 0
    ? failed('CreateSession', error)
    : failed('CreateSession', error, [...causes, ...statementAdvice(statement)]);
}
