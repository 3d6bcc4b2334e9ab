/**
 * The lines about `credential_process` in the AWS config: found, read as botocore would, one line, absolute
 * paths.
 */
import { isAbsolute } from 'node:path';
import { isRolesAnywhereError, OptionError, quote } from '../../errors.js';
import { splitCommand } from '../../options/split-command.js';
import { parseAwsConfig } from '../options/aws-config.js';
import type { Status } from './files.js';
import type { Line } from './line.js';
import { failed, ok, skipped, warned } from './line.js';

export interface AwsConfig {
  readonly path: string;
  /** Undefined where there is no such file. */
  readonly text: string | undefined;
  /** The profile that is asked for; without one, all that have the key are looked at. */
  readonly profile: string | undefined;
}

/** The programs that these lines are about; others have rules of their own. */
const OURS = /(^|[/\\])(rolesanywhere|aws_signing_helper)(\.cmd|\.exe)?$/;
/** Flags of files, whose paths the program resolves from wherever it was started. */
const FILE_FLAGS = /^--(certificate|private-key|intermediates|config|pkcs8-password-file)(?:=|$)/;

const WHAT = 'credential_process';

export async function processLines(
  { path, text, profile }: AwsConfig,
  statusOf: (path: string) => Promise<Status>,
): Promise<Line[]> {
  if (text === undefined) return [skipped(WHAT, `there is no ${path}`)];
  const found = commandsIn(text, path);
  if ('error' in found) return [failed(WHAT, found.error)];
  const { commands } = found;
  if (profile !== undefined && !commands.has(profile)) {
    const advice = `add credential_process to [${profile === 'default' ? '' : 'profile '}${profile}]`;
    return [warned(WHAT, `profile ${profile} of ${path} has none`, advice)];
  }
  const chosen = [...commands].filter(([name]) => profile === undefined || name === profile);
  if (chosen.length === 0) return [skipped(WHAT, `no profile of ${path} has one`)];
  const lines = chosen.map(([name, value]) => commandLines(`profile ${name}`, value, statusOf));
  return (await Promise.all(lines)).flat();
}

type Commands = ReadonlyMap<string, string>;

function commandsIn(text: string, path: string): { commands: Commands } | { error: OptionError } {
  try {
    const profiles = parseAwsConfig(text, `AWS config file ${path}`);
    const commands = [...profiles].flatMap(([name, section]) => {
      const value = section.get('credential_process');
      return value === undefined ? [] : [[name, value] as const];
    });
    return { commands: new Map(commands) };
  } catch (error) {
    if (isRolesAnywhereError(error)) return { error: asOptionError(error) };
    throw error;
  }
}

async function commandLines(
  where: string,
  value: string,
  statusOf: (path: string) => Promise<Status>,
): Promise<Line[]> {
  if (value.includes('\n')) {
    const advice =
      'put the whole command on one line: no SDK continues it, and a backslash becomes an argument';
    return [
      failed(WHAT, invalid(`${where}: the value must be one line, found ${value.split('\n').length}`), [
        advice,
      ]),
    ];
  }
  const words = wordsOf(value, where);
  if (words instanceof OptionError) {
    return [failed(WHAT, words, ['put double quotes around words with blanks, and close them'])];
  }
  const [program = '', ...args] = words;
  // The line itself may hold a secret.
  if (!OURS.test(program) && !args.some(isHelper))
    return [skipped(WHAT, `${where}: another program, ${quote(program)}`)];
  const line = await programLine(where, program, statusOf);
  if (line.mark !== 'ok') return [line];
  return [line, ...(args.some(isHelper) ? pathLines(where, args) : [commandMissing(where)])];
}

function isHelper(word: string): boolean {
  return word === 'credential-process';
}

function commandMissing(where: string): Line {
  return failed(WHAT, invalid(`${where}: the command must be credential-process`), [
    'write rolesanywhere credential-process, and then its flags',
  ]);
}

async function programLine(
  where: string,
  program: string,
  statusOf: (path: string) => Promise<Status>,
): Promise<Line> {
  const advice = 'write the absolute path of the program, as `command -v rolesanywhere` prints it';
  if (/^[~$]/.test(program)) {
    return failed(WHAT, invalid(`${where}: ${quote(program)} is not expanded by every SDK`), [advice]);
  }
  if (!isAbsolute(program)) {
    const isName = !/[/\\]/.test(program);
    const reason = isName ? 'is looked for in PATH, which programs may set otherwise' : 'is a relative path';
    return warned(WHAT, `${where}: ${program} ${reason}`, advice);
  }
  const status = await statusOf(program);
  if ('problem' in status) return failed(WHAT, invalid(`${where}: ${program}: ${status.problem}`), [advice]);
  if (status.kind !== 'file' || !status.isExecutable) {
    return failed(WHAT, invalid(`${where}: ${program} is not a program`), [`chmod +x ${program}`]);
  }
  return ok(WHAT, `${where}: one line, ${program}`);
}

/** Of files that are named by relative paths. */
function pathLines(where: string, args: readonly string[]): Line[] {
  const relative = args.flatMap((word, index) => {
    if (!FILE_FLAGS.test(word)) return [];
    const at = word.indexOf('=');
    const path = at < 0 ? (args[index + 1] ?? '') : word.slice(at + 1);
    return isAbsolute(path) || /^(pkcs11|handle):/i.test(path) ? [] : [path];
  });
  return relative.map((path) =>
    warned(
      WHAT,
      `${where}: ${quote(path)} is no absolute path`,
      'write it in full: programs start in any folder',
    ),
  );
}

function wordsOf(value: string, where: string): string[] | OptionError {
  try {
    return splitCommand(value, `${where}: the value`);
  } catch (error) {
    if (isRolesAnywhereError(error)) return asOptionError(error);
    throw error;
  }
}

function asOptionError({ message, hint }: { message: string; hint: string | undefined }): OptionError {
  return new OptionError('ERR_OPTION_INVALID', message, { hint });
}

function invalid(message: string): OptionError {
  return new OptionError('ERR_OPTION_INVALID', message);
}
