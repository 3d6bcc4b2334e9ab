/**
 * `rolesanywhere configure` writes the `credential_process` line of a profile into the AWS config: it asks for
 * certificate, key and ARNs, checks them, and keeps all else in the file.
 *
 * Source: "Sourcing credentials with an external process" (AWS SDKs and Tools reference).
 */
import { basename } from 'node:path';
import { OptionError, quote } from '../../errors.js';
import { readAwsFile } from '../../files/read-file.js';
import type { AskPassphrase } from '../../identity/identity-source.js';
import { settingsFrom } from '../../session/settings.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import { checkOptions } from '../configure/checks.js';
import { currentProcess, editProcess, PROCESS_KEY, sectionTitle } from '../configure/config-edit.js';
import { flagWords } from '../configure/flag-words.js';
import { formatProcessLine } from '../configure/process-line.js';
import { programWords } from '../configure/program-words.js';
import { askForMissing } from '../configure/questions.js';
import { byteOrderMarkError } from '../options/aws-config.js';
import { awsConfigPath } from '../options/aws-paths.js';
import type { Flags } from '../options/flags.js';
import { findProfileCredentials } from '../options/profile-credentials.js';
import { readFlags } from '../options/read-flags.js';
import type { SessionChoices } from '../options/read-session.js';
import { readSessionChoices } from '../options/read-session.js';
import { sessionGroups } from '../options/session-flags.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { print, say } from '../terminal/io.js';
import { ask } from '../terminal/prompt.js';
import { formatNotice } from '../terminal/report.js';
import type { WrittenFile } from '../update/edit-aws-file.js';
import { editAwsFile } from '../update/edit-aws-file.js';
import type { EditedText } from '../update/profile-text.js';

const FLAGS = {
  profile: {
    flag: 'profile',
    kind: {
      type: 'pattern',
      // Of [DEFAULT] every profile has the keys for Python; for __proto__ the SDK for JavaScript refuses the
      // file.
      pattern: /^(?!(?:DEFAULT|__proto__)$)[^\s[\]"'\\#;\p{Cc}]{1,128}$/u,
      rule: 'the name of a profile other than DEFAULT, without spaces, brackets or quotes',
    },
    env: ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'],
    placeholder: 'NAME',
    default: 'default',
    help: 'profile of ~/.aws/config (AWS_CONFIG_FILE) to write',
  },
  print: {
    flag: 'print',
    kind: { type: 'boolean' },
    default: false,
    help: 'print the lines, and change no file',
  },
} as const satisfies Flags;

/** Options whose values are not written into the line. */
const SECRETS = ['passphrase', 'pkcs11Pin', 'tpmKeyPassword'] as const;

type Inputs = SessionChoices<typeof FLAGS>;

export const command: Command = {
  flags: sessionGroups(FLAGS),
  example: '--profile onprem',
  run,
};

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<number> {
  const own = readFlags(args, FLAGS, io.env);
  const profile = String(own.profile.value);
  const path = awsConfigPath(io.env);
  const target: Target = { profile, path, subject: `AWS config file ${path}` };
  // Before the questions: a file that cannot be edited makes them pointless.
  const expected = own.print.value === true ? undefined : await readCurrent(target);
  const collected = await collect(args, io, now);
  if (typeof collected === 'number') return collected;
  const { line, region } = collected;
  if (own.print.value === true) {
    await print(io.stdout, `[${sectionTitle('', profile, '')}]\n${PROCESS_KEY} = ${line}\n`);
    return 0;
  }
  if (expected !== undefined && expected !== line && !(await mayReplace(target))) {
    say(io.stderr, formatNotice(programNameOf(io), 'nothing was changed'));
    return 1;
  }
  const backup = `${basename(path)}.backup-${now().toISOString().replaceAll(/[-:.]/g, '')}`;
  const change = (text: string): EditedText => editProcess(text, { ...target, line, expected });
  const written = await editAwsFile(path, { subject: target.subject, change, backup });
  await print(io.stdout, await report(target, { ...written, region }, io.env));
  return 0;
}

/** The profile to write, and its file. */
interface Target {
  readonly profile: string;
  readonly path: string;
  /** How messages name the file. */
  readonly subject: string;
}

/** @throws OptionError `ERR_OPTION_INVALID`: the file is broken; IdentityError `ERR_FILE_UNREADABLE` */
async function readCurrent({ profile, path, subject }: Target): Promise<string | undefined> {
  const file = await readAwsFile(path, subject);
  return currentProcess(file?.text ?? '', profile, subject);
}

/** @returns the line and the region of the session, or the exit status of an error that was reported */
async function collect(
  args: Arguments,
  io: Io,
  now: () => Date,
): Promise<{ line: string; region: string } | number> {
  flagWords(args.given, io.env);
  let inputs = await readSessionChoices(args, FLAGS, io);
  const answers = await askForMissing(inputs.choices, io.env);
  const given = { ...args.given, ...answers };
  if (Object.keys(answers).length > 0) inputs = await readSessionChoices({ ...args, given }, FLAGS, io);
  // Builds the line first: a value that it cannot hold is useless, even if it is valid.
  const words = [...programWords(io.program, io.env), 'credential-process', ...flagWords(given, io.env)];
  const line = formatProcessLine(words);
  const { region } = settingsFrom(inputs.choices, { env: io.env });
  const status = await check(inputs, io, now);
  return status === 0 ? { line, region } : status;
}

/** Reports the warnings, or the first error. @returns its exit status; 0 without one */
async function check(inputs: Inputs, io: Io, now: () => Date): Promise<number> {
  const { logger, askPassphrase: askAtTerminal = async () => undefined } = inputs.context;
  let hasAsked = false;
  const askPassphrase: AskPassphrase = (subject, attempt) => {
    hasAsked = true;
    return askAtTerminal(subject, attempt);
  };
  const context = { ...inputs.context, askPassphrase };
  const { error, warnings } = await checkOptions({ choices: inputs.choices, context }, now);
  if (error !== undefined) {
    const [advice] = error.advice;
    const hint = advice === undefined ? '' : `hint: ${advice}\n`;
    say(io.stderr, `${programNameOf(io)}: ${error.found} (${error.code})\n${hint}`);
    return error.status;
  }
  for (const { what, found, advice } of warnings) {
    logger.alert(`${what}: ${found}${advice.map((text) => `: ${text}`).join('')}`);
  }
  if (hasAsked || SECRETS.some((name) => inputs.choices[name].origin === 'environment')) {
    logger.alert(
      'the line has no passphrase or PIN: programs that use the profile need it in their environment or a ' +
        'file (--pkcs8-password-file, --pkcs11-pin-file, --tpm-key-password-file)',
    );
  }
  return 0;
}

/** @throws OptionError `ERR_OPTION_CONFLICT`: there is no terminal to ask at */
async function mayReplace({ profile, path }: Target): Promise<boolean> {
  const message = `profile ${quote(profile)} of ${path} has another ${PROCESS_KEY}`;
  const answer = await ask(`${message}. Replace it? [y/N] `);
  if (answer !== undefined) return /^y(es)?$/i.test(answer.trim());
  throw new OptionError('ERR_OPTION_CONFLICT', message, {
    hint: 'run it at a terminal to confirm, name another --profile, or paste the output of --print yourself',
  });
}

async function report(
  { profile, path, subject }: Target,
  { isChanged, backup, region }: Pick<WrittenFile, 'isChanged' | 'backup'> & { readonly region: string },
  env: Io['env'],
): Promise<string> {
  const file = await readAwsFile(path, subject);
  const { message, hint } = byteOrderMarkError(subject);
  const rival = await findProfileCredentials(env, profile, { ignoresProcess: true });
  return [
    `${isChanged ? 'written to' : 'is already in'} ${path}: profile ${profile}`,
    ...(backup === undefined ? [] : [`the file as it was: ${backup}`]),
    ...(file?.hasByteOrderMark === true ? [`${message}: ${hint}`] : []),
    ...(rival === undefined ? [] : [`programs may use other credentials of this profile first: ${rival}`]),
    `try it: aws sts get-caller-identity --profile ${profile} --region ${region}`,
    '',
  ].join('\n');
}
