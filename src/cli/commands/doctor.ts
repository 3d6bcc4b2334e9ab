/**
 * `rolesanywhere doctor` checks everything that a session needs, in order, and says what to do about each
 * fault: files, certificate, chain, ARNs, AWS config, network, clock, CreateSession.
 */
import { join } from 'node:path';
import { openSessionSource } from '../../credentials/session-source.js';
import type { RolesAnywhereError } from '../../errors.js';
import { asRolesAnywhereError, IdentityError, ServiceError } from '../../errors.js';
import { fileStatus } from '../../files/file-status.js';
import { expandHome } from '../../files/home.js';
import { readAwsFile, readTextFile } from '../../files/read-file.js';
import type { Certificate } from '../../identity/certificate.js';
import type { SigningIdentity } from '../../identity/identity.js';
import type { AskPassphrase, IdentitySource } from '../../identity/identity-source.js';
import { isPath } from '../../identity/identity-source.js';
import { loadCertificates, loadIdentity } from '../../identity/load.js';
import { isSignatureOf } from '../../identity/remote-signer.js';
import { parseArn } from '../../options/arn.js';
import { explainRefusal } from '../../session/refusal-causes.js';
import type { Session } from '../../session/response.js';
import type { Settings } from '../../session/settings.js';
import { settingsFrom, sourceFrom } from '../../session/settings.js';
import { assumeRoles } from '../../session/sts/assume-role.js';
import { getCallerIdentity } from '../../session/sts/caller-identity.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { arnLines } from '../doctor/arns.js';
import { certificateLines, KEY_BELONGS, placeOf, timeLeft, withoutKey } from '../doctor/certificate.js';
import type { KnownChain } from '../doctor/chain.js';
import { anchorLines, drawChain } from '../doctor/chain.js';
import type { Status } from '../doctor/files.js';
import { fileLines, pathsOf } from '../doctor/files.js';
import type { Derived } from '../doctor/format.js';
import { formatGroup, formatJson, formatSummary } from '../doctor/format.js';
import type { Group, Line } from '../doctor/line.js';
import { failed, ok, skipped, statusOf, warned } from '../doctor/line.js';
import { endpointLines, networkLines } from '../doctor/network.js';
import { processLines } from '../doctor/process-line.js';
import type { Flags } from '../options/flags.js';
import type { SessionChoices } from '../options/read-session.js';
import { readSessionChoices } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { styleOf } from '../terminal/style.js';

const OWN = {
  ca: {
    flag: 'ca',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: 'certificate of the trust anchor: verify the path to it, and its own rules',
  },
  trustPolicy: {
    flag: 'trust-policy',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: "trust policy of the role as JSON: would it allow this certificate's session?",
  },
  profile: {
    flag: 'profile',
    kind: { type: 'text' },
    env: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
    placeholder: 'NAME',
    help: 'profile of ~/.aws/config whose credential_process is checked; without it, all',
  },
  offline: {
    flag: 'offline',
    kind: { type: 'boolean' },
    default: false,
    help: 'stop before the network',
  },
  strict: {
    flag: 'strict',
    kind: { type: 'boolean' },
    default: false,
    help: 'end with status 1 for warnings',
  },
} as const satisfies Flags;

const OUTPUT = {
  json: { flag: 'json', kind: { type: 'boolean' }, default: false, help: 'print JSON' },
} as const satisfies Flags;

const FLAGS = { ...OWN, ...OUTPUT };

export const command: Command = {
  flags: sessionGroups(OWN, OUTPUT),
  example: '--config host.json --ca root.pem',
  run,
};

type Inputs = SessionChoices<typeof FLAGS>;

/** What the steps know and find out, each for those after it. */
interface Examination extends Inputs {
  readonly now: () => Date;
  readonly source: IdentitySource;
  /** With a key that signs. */
  identity?: SigningIdentity;
  /** With or without: what the checks are about. */
  checked?: SigningIdentity;
  anchors?: readonly Certificate[];
  derived?: Derived;
  settings?: Settings;
  /** Whether an error of the certificate or the network makes a request pointless. */
  isBlocked: boolean;
}

/** One part of the report; undefined where there is nothing to say. */
type Step = (examination: Examination) => Promise<Group | undefined>;

const STEPS: readonly Step[] = [
  examineFiles,
  examineCertificate,
  examineChain,
  examineArns,
  examineDerived,
  examineAwsConfig,
  examineNetwork,
  examineService,
];

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<number> {
  const inputs = await readSessionChoices(args, FLAGS, io, { isQuiet: true });
  const { strict, json } = inputs.options;
  const examination: Examination = { ...inputs, now, source: sourceFrom(inputs.choices), isBlocked: false };
  const { isColoured } = styleOf(io.stdout, io);
  const groups: Group[] = [];
  for (const step of STEPS) {
    const group = await step(examination);
    if (group === undefined) continue;
    groups.push(group);
    // Each when it is known: the network takes a while.
    if (!json) await print(io.stdout, formatGroup(group, isColoured));
  }
  const lines = groups.flatMap((group) => group.lines);
  const status = statusOf(lines, strict);
  const end = json ? formatJson(groups, status, examination.derived) : formatSummary(lines);
  await print(io.stdout, end);
  return status;
}

async function examineFiles({ source }: Examination): Promise<Group> {
  const paths = [...new Set(pathsOf(source).map(([, path]) => path))];
  const statuses = new Map<string, Status>();
  for (const path of paths) statuses.set(path, await fileStatus(path));
  const statusOfPath = (path: string): Status => statuses.get(path) ?? { problem: 'unknown' };
  return { title: 'Files', lines: fileLines(source, statusOfPath) };
}

async function examineCertificate(examination: Examination): Promise<Group> {
  const lines = await certificateAndKeyLines(examination);
  examination.isBlocked = lines.some(({ mark }) => mark === 'error');
  return { title: 'Certificate and key', lines };
}

async function certificateAndKeyLines(examination: Examination): Promise<Line[]> {
  const { source, context, now } = examination;
  const { askPassphrase: askAtTerminal = async () => undefined } = context;
  let interruption: unknown;
  const askPassphrase: AskPassphrase = (subject, attempt) =>
    askAtTerminal(subject, attempt).catch((error: unknown) => {
      interruption = error;
      throw error;
    });
  try {
    const identity = await loadIdentity(source, { ...context, askPassphrase, now });
    examination.identity = identity;
    examination.checked = identity;
    return [...certificateLines(identity, now()), await signatureLine(identity)];
  } catch (error) {
    // Ctrl-C at the question ends the command.
    if (interruption !== undefined) throw error;
    const cause = asRolesAnywhereError(error);
    const place = placeOf(cause);
    const checked = withoutKey(await certificatesOf(source));
    if (checked !== undefined) examination.checked = checked;
    const others = checked === undefined ? [] : certificateLines(checked, now(), [place, KEY_BELONGS]);
    return [failed(place, cause), ...others];
  }
}

/** Those in files, as far as they can be read. */
async function certificatesOf({ certificate, intermediates }: IdentitySource): Promise<Certificate[]> {
  const lists = [certificate, intermediates].filter(isPath).map(async (path) => {
    try {
      return [...(await loadCertificates({ certificate: path }))];
    } catch {
      return [];
    }
  });
  return (await Promise.all(lists)).flat();
}

/** A key on a token, in a TPM or behind a program may be there and yet not sign. */
async function signatureLine(identity: SigningIdentity): Promise<Line> {
  const what = 'test signature';
  const data = Buffer.from('rolesanywhere doctor');
  try {
    const signature = await identity.sign(data);
    if (isSignatureOf(identity.certificate.publicKey, data, signature)) return ok(what, 'verifies');
    throw new IdentityError('ERR_KEY_SIGN', 'the signature does not verify with the key of the certificate');
  } catch (error) {
    return failed(what, asRolesAnywhereError(error));
  }
}

async function examineChain(examination: Examination): Promise<Group | undefined> {
  const { options, checked, now } = examination;
  const lines: Line[] = [];
  const { anchors, error } = await loadAnchors(options.ca);
  if (error !== undefined) lines.push(failed('trust anchor', error));
  const known: KnownChain | undefined = checked && {
    leaf: checked.certificate,
    chain: checked.chain,
    anchors,
  };
  if (anchors !== undefined) lines.push(...anchorLines(known, anchors, now()));
  if (known === undefined && lines.length === 0) return undefined;
  return { title: 'Chain', lines, ...(known && { drawing: drawChain(known) }) };
}

async function loadAnchors(
  path: string | undefined,
): Promise<{ anchors?: readonly Certificate[]; error?: RolesAnywhereError }> {
  if (path === undefined) return {};
  try {
    return { anchors: await loadCertificates({ certificate: path }) };
  } catch (error) {
    return { error: asRolesAnywhereError(error) };
  }
}

async function examineArns(examination: Examination): Promise<Group> {
  const { choices, options, context } = examination;
  const lines = arnLines(choices, options.offline);
  if (lines.every(({ mark }) => mark === 'ok' || mark === 'warning')) {
    try {
      examination.settings = settingsFrom(choices, { env: context.env });
      lines.push(...endpointLines(examination.settings, choices.endpoint));
    } catch (error) {
      lines.push(failed('options', asRolesAnywhereError(error)));
    }
  }
  return { title: 'ARNs and endpoint', lines };
}

/** What AWS derives from the certificate, and what a trust policy says to it: with the emulator's rules. */
async function examineDerived(examination: Examination): Promise<Group | undefined> {
  const { checked, options } = examination;
  if (checked === undefined) return undefined;
  const { previewSession } = await import('../../emulator/sessions/preview.js');
  const title = 'What AWS derives from the certificate';
  let preview: ReturnType<typeof previewSession>;
  try {
    preview = previewSession(checked.certificate.raw, examination.settings?.roleSessionName);
  } catch {
    return {
      title,
      lines: [skipped('session', 'not shown: the certificate has a form that AWS may refuse')],
    };
  }
  examination.derived = preview;
  const lines = [
    ok('session name', preview.sessionName),
    ok('source identity', preview.sourceIdentity),
    ok(
      'session tags',
      `${preview.tags.size}, as aws:PrincipalTag/… in policies, by a profile's default mappings`,
    ),
  ];
  if (preview.unmapped !== undefined) {
    const advice = 'map only the attributes that conditions use: aws rolesanywhere put-attribute-mapping';
    lines.push(warned('attributes', preview.unmapped, advice));
  }
  if (options.trustPolicy !== undefined) {
    lines.push(await trustPolicyLine(examination, options.trustPolicy, preview.judge));
  }
  const drawing = [...preview.tags].map(([key, value]) => `${key} = ${value}`);
  return { title, lines, drawing };
}

type Judge = ReturnType<typeof import('../../emulator/sessions/preview.js').previewSession>['judge'];

async function trustPolicyLine(
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
  const refused = { ...settings, certificate: checked.certificate };
  const { code, type, hint } = error;
  const { statement } = explainRefusal({ message: 'Unable to assume role', code, type, hint }, refused);
  return failed(what, error, [...reasons, ...statementAdvice(statement)]);
}

/** The policy itself, or the answer of `aws iam get-role`. */
function policyIn(text: string): string {
  try {
    const { Role: role } = JSON.parse(text) as { Role?: { AssumeRolePolicyDocument?: unknown } };
    return role?.AssumeRolePolicyDocument === undefined
      ? text
      : JSON.stringify(role.AssumeRolePolicyDocument);
  } catch {
    // The evaluator says what is wrong.
    return text;
  }
}

function statementAdvice(statement: object | undefined): string[] {
  if (statement === undefined) return [];
  return [`this statement in the role's trust policy allows it:\n${JSON.stringify(statement, undefined, 2)}`];
}

async function examineAwsConfig({ context, options }: Examination): Promise<Group> {
  const path = expandHome(context.env['AWS_CONFIG_FILE'] || join('~', '.aws', 'config'), context.env);
  const title = 'AWS config';
  try {
    const file = await readAwsFile(path, `AWS config file ${path}`);
    const config = { path, text: file?.text, profile: options.profile };
    return { title, lines: await processLines(config, fileStatus) };
  } catch (error) {
    return { title, lines: [failed('AWS config', asRolesAnywhereError(error))] };
  }
}

async function examineNetwork(examination: Examination): Promise<Group | undefined> {
  const { settings, options, now } = examination;
  if (settings === undefined || options.offline) return undefined;
  const lines = await networkLines(settings, now);
  examination.isBlocked ||= lines.some(({ mark, what }) => mark === 'error' && what !== 'clock');
  return { title: 'Network', lines };
}

async function examineService(examination: Examination): Promise<Group | undefined> {
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
