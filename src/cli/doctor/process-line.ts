/**
 * The lines about `credential_process` in the AWS config: found, read as botocore would, one line, absolute
 * paths.
 */
import { delimiter, isAbsolute, join, sep } from 'node:path';
import { isRolesAnywhereError, OptionError, quote } from '../../errors.js';
import type { Environment } from '../../options/choose-values.js';
import { splitCommand } from '../../options/split-command.js';
import type { Arguments } from '../arguments.js';
import { parseArguments } from '../arguments.js';
import type { Sections } from '../options/aws-config.js';
import { byteOrderMarkError, parseSections, sectionsOf } from '../options/aws-config.js';
import { flatten } from '../options/flags.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Status } from './files.js';
import type { Line } from './line.js';
import { failed, ok, skipped, warned } from './line.js';

export interface AwsConfig {
  readonly path: string;
  /** Undefined if there is no such file. */
  readonly text: string | undefined;
  readonly hasByteOrderMark: boolean;
  /** The profile to check; without one, all profiles that have the key. */
  readonly profile: string | undefined;
  readonly env: Environment;
}

/** The programs that these lines check; others have their own rules. */
const OURS = /(^|[/\\])(rolesanywhere|aws_signing_helper)(\.cmd|\.exe)?$/;
/** Flags of files, whose paths the program resolves from wherever it was started. */
const FILE_FLAGS = /^--(certificate|private-key|intermediates|config|pkcs8-password-file)(?:=|$)/;

const WHAT = 'credential_process';

type StatusOf = (path: string) => Promise<Status>;

export async function processLines(config: AwsConfig, statusOf: StatusOf): Promise<Line[]> {
  const { path, text, profile } = config;
  if (text === undefined) return [skipped(WHAT, `there is no ${path}`)];
  if (config.hasByteOrderMark) return [failed(WHAT, byteOrderMarkError(path))];
  const found = sectionsIn(text, path);
  if (found instanceof OptionError) {
    return [failed(WHAT, found, ['mend that line: the AWS CLI and boto3 refuse the whole file'])];
  }
  const profiles = sectionsOf(found, 'profile');
  const context = { statusOf, env: config.env };
  if (profile === undefined) {
    const all = [...profiles].flatMap(([name, section]) => {
      const value = section.get(WHAT);
      return value === undefined ? [] : [commandLines(`profile ${name}`, value, context)];
    });
    return all.length === 0
      ? [skipped(WHAT, `no profile of ${path} has one`)]
      : (await Promise.all(all)).flat();
  }
  const chosen = commandOf(profiles, profile);
  if ('value' in chosen) return commandLines(chosen.where, chosen.value, context);
  return [warned(WHAT, `${chosen.where} of ${path} has none`, missingAdvice(found, chosen.profile))];
}

function sectionsIn(text: string, path: string): Sections | OptionError {
  try {
    return parseSections(text, `AWS config file ${path}`);
  } catch (error) {
    if (isRolesAnywhereError(error)) return asOptionError(error);
    throw error;
  }
}

/** A profile that assumes a role has its credentials from another one, `source_profile`. */
function commandOf(
  profiles: Sections,
  first: string,
): { readonly where: string; readonly value: string } | { readonly where: string; readonly profile: string } {
  const names = [first];
  for (;;) {
    const profile = names.at(-1) ?? first;
    const where = names.map((name) => `profile ${name}`).join(', source_profile: ');
    const value = profiles.get(profile)?.get(WHAT);
    if (value !== undefined) return { where, value };
    const next = profiles.get(profile)?.get('source_profile');
    if (next === undefined || names.includes(next)) return { where, profile };
    names.push(next);
  }
}

/**
 * The flags of a profile's line, by option name; none if the line is another program's.
 *
 * @throws OptionError the file or the line cannot be read
 */
export function flagsOfProfile(text: string, path: string, profile: string): Arguments['given'] {
  const sections = parseSections(text, `AWS config file ${path}`);
  const chosen = commandOf(sectionsOf(sections, 'profile'), profile);
  if (!('value' in chosen) || chosen.value.includes('\n')) return {};
  const words = splitCommand(chosen.value, `${chosen.where}: the value`);
  const at = words.findIndex(isHelper);
  return at === -1 ? {} : parseArguments(words.slice(at + 1), flatten(sessionGroups())).given;
}

/** @param sections every section of the file, also those that are no profile */
function missingAdvice(sections: Sections, profile: string): string {
  const title = profile === 'default' ? '[default]' : `[profile ${profile}]`;
  if (profile !== 'default' && sections.has(profile)) {
    return `write ${title} in place of [${profile}], which is not a profile of this file`;
  }
  const values = [...(sectionsOf(sections, 'profile').get(profile)?.values() ?? [])];
  if (values.some((value) => /\ncredential_process\s*[=:]/.test(value))) {
    return `remove the blanks before credential_process: an indented line continues the value above it`;
  }
  return `add credential_process to ${title}`;
}

interface Context {
  readonly statusOf: StatusOf;
  readonly env: Environment;
}

async function commandLines(where: string, value: string, context: Context): Promise<Line[]> {
  if (value === '') {
    return [
      failed(WHAT, invalid(`${where}: the value is empty`), [
        'write the command after the =, or remove the line',
      ]),
    ];
  }
  if (value.includes('\n')) {
    const advice =
      'put the whole command on one line: no SDK continues it, and a backslash becomes an argument';
    return [
      failed(WHAT, invalid(`${where}: the value must be one line, found ${value.split('\n').length}`), [
        advice,
      ]),
    ];
  }
  if (/[\u201c-\u201f\u2018-\u201b]/.test(value)) {
    return [
      failed(WHAT, invalid(`${where}: the value has typographic quotes`), ['write straight quotes: "']),
    ];
  }
  const words = wordsOf(value, where);
  if (words instanceof OptionError) {
    return [failed(WHAT, words, ['put double quotes around words with spaces, and close them'])];
  }
  const [program = '', ...args] = words;
  // The line itself may hold a secret.
  if (!OURS.test(program) && !args.some(isHelper))
    return [skipped(WHAT, `${where}: another program, ${quote(program)}`)];
  const line = await programLine(where, program, context);
  if (line.mark === 'error') return [line];
  const problem = args.some(isHelper) ? argumentsLine(where, program, args) : commandMissing(where);
  if (problem !== undefined) return line.mark === 'ok' ? [problem] : [line, problem];
  return [line, ...pathLines(where, args)];
}

/** The errors of the program for its arguments; AWS's own helper may have others. */
function argumentsLine(where: string, program: string, args: readonly string[]): Line | undefined {
  if (/aws_signing_helper(\.exe)?$/.test(program)) return undefined;
  try {
    parseArguments(args.slice(args.findIndex(isHelper) + 1), flatten(sessionGroups()));
    return undefined;
  } catch (error) {
    if (!isRolesAnywhereError(error)) throw error;
    const isStray = error.code === 'ERR_OPTION_UNKNOWN' && error.message.startsWith('unexpected');
    const advice = [
      error.hint ?? 'rolesanywhere credential-process --help lists the flags',
      ...(isStray ? ['the AWS CLI and boto3 start it without a shell: | ; > and # are arguments'] : []),
    ];
    return failed(WHAT, invalid(`${where}: ${error.message}`), advice);
  }
}

function isHelper(word: string): boolean {
  return word === 'credential-process';
}

function commandMissing(where: string): Line {
  return failed(WHAT, invalid(`${where}: the command must be credential-process`), [
    'write rolesanywhere credential-process, and then its flags',
  ]);
}

async function programLine(where: string, program: string, { statusOf, env }: Context): Promise<Line> {
  const advice = 'write the absolute path of the program, as `command -v rolesanywhere` prints it';
  if (/^[~$]/.test(program)) {
    return failed(WHAT, invalid(`${where}: ${quote(program)} is not expanded by every SDK`), [advice]);
  }
  if (!isAbsolute(program)) {
    const isName = !/[/\\]/.test(program);
    if (isName && !(await isInPath(program, env, statusOf))) {
      return failed(WHAT, invalid(`${where}: there is no ${program} in PATH`), [advice]);
    }
    const reason = isName ? 'is looked up in PATH, which may differ in other programs' : 'is a relative path';
    return warned(WHAT, `${where}: ${program} ${reason}`, advice);
  }
  const status = await statusOf(program);
  if ('problem' in status) return failed(WHAT, invalid(`${where}: ${program}: ${status.problem}`), [advice]);
  if (status.kind !== 'file' || !status.isExecutable) {
    return failed(WHAT, invalid(`${where}: ${program} is not a program`), [`chmod +x ${program}`]);
  }
  return ok(WHAT, `${where}: one line, ${program}`);
}

/** True too if it is unknown: on Windows, names have endings by PATHEXT. */
async function isInPath(program: string, env: Environment, statusOf: StatusOf): Promise<boolean> {
  const { PATH } = env;
  if (PATH === undefined || sep !== '/') return true;
  for (const folder of PATH.split(delimiter)) {
    const status = await statusOf(join(folder, program));
    if (!('problem' in status) && status.kind === 'file' && status.isExecutable) return true;
  }
  return false;
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
      `${where}: ${quote(path)} is not an absolute path`,
      'write the absolute path: programs run it in any folder',
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
