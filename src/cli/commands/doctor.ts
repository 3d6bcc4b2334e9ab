/**
 * `rolesanywhere doctor` checks everything that a session needs, in order, and says what to do about each
 * fault: files, certificate, chain, ARNs, AWS config, network, clock, CreateSession.
 */
import { sourceFrom } from '../../session/settings.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Examination, Step } from '../doctor/examination.js';
import { examineCertificate, examineChain, examineFiles } from '../doctor/examine-identity.js';
import { examineArns, examineAwsConfig, examineNetwork, examineService } from '../doctor/examine-service.js';
import { formatGroup, formatJson, formatSummary } from '../doctor/format.js';
import type { Group } from '../doctor/line.js';
import { ok, skipped, statusOf, warned } from '../doctor/line.js';
import { withProfileLine } from '../doctor/profile-arguments.js';
import { trustPolicyLine } from '../doctor/trust-policy.js';
import type { Flags } from '../options/flags.js';
import { readFlags } from '../options/read-flags.js';
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
    help: 'certificate of the trust anchor: verify it, and the path to it',
  },
  trustPolicy: {
    flag: 'trust-policy',
    kind: { type: 'path' },
    placeholder: 'FILE',
    help: "JSON file of the role's trust policy: check whether it allows this certificate's session",
  },
  profile: {
    flag: 'profile',
    kind: { type: 'text' },
    env: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
    placeholder: 'NAME',
    help: 'profile of ~/.aws/config whose line is checked; without a certificate, its flags count',
  },
  offline: {
    flag: 'offline',
    kind: { type: 'boolean' },
    default: false,
    help: 'run only the checks that need no network',
  },
  strict: {
    flag: 'strict',
    kind: { type: 'boolean' },
    default: false,
    help: 'exit with status 1 for warnings',
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
  const warnings: string[] = [];
  const onWarning = (message: string): void => void warnings.push(message);
  const profile = readFlags(args, { profile: OWN.profile }, io.env).profile.value;
  const all = await withProfileLine(args, profile === undefined ? undefined : String(profile), io);
  const inputs = await readSessionChoices(all, FLAGS, io, { onWarning });
  const { strict, json } = inputs.options;
  const examination: Examination = { ...inputs, now, source: sourceFrom(inputs.choices), isBlocked: false };
  const { isColoured } = styleOf(io.stdout, io);
  const groups: Group[] = [];
  const steps: readonly Step[] = [...STEPS, async () => otherWarnings(warnings, groups)];
  for (const step of steps) {
    const group = await step(examination);
    if (group === undefined) continue;
    groups.push(group);
    // Prints each part as soon as it is known: the network may take long.
    if (!json) await print(io.stdout, formatGroup(group, isColoured));
  }
  const lines = groups.flatMap((group) => group.lines);
  const status = statusOf(lines, strict);
  const end = json ? formatJson(groups, status, examination.derived) : formatSummary(lines);
  await print(io.stdout, end);
  return status;
}

/** The warnings of every command that no line has reported: about password files and configuration files. */
function otherWarnings(warnings: readonly string[], groups: readonly Group[]): Group | undefined {
  const found = groups.flatMap(({ lines }) => lines.map((line) => line.found));
  const unsaid = new Set(
    warnings.filter((message) => !found.some((text) => text.length > 20 && message.startsWith(text))),
  );
  if (unsaid.size === 0) return undefined;
  const lines = [...unsaid].map((message) => {
    const [what = '', advice = 'see --help'] = message.split(/: (?=[^:]*$)/);
    return warned('warning', what, advice);
  });
  return { title: 'Other warnings', lines };
}

/** Derived by AWS from the certificate, and what a trust policy says to it: with the emulator's rules. */
async function examineDerived(examination: Examination): Promise<Group | undefined> {
  const { checked, options } = examination;
  if (checked === undefined) return undefined;
  const { previewSession } = await import('../../emulator/sessions/preview.js');
  const title = 'Derived by AWS from the certificate';
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
