/**
 * A file of the user's in, the options that it gives out: JSON (`--config`), or a profile of `~/.aws/config`
 * (`--config-profile`). Read only where it is asked for, and then what is wrong in it is an error.
 */
import { dirname, join, resolve } from 'node:path';
import { IdentityError, OptionError, quote } from '../../errors.js';
import { expandHome } from '../../files/home.js';
import { readAwsFile, readTextFile } from '../../files/read-file.js';
import type { Environment, FileValues } from '../../options/choose-values.js';
import type { OptionRow } from '../../options/option-row.js';
import { nearest } from '../../options/values.js';
import { parseAwsConfig } from './aws-config.js';

/** The rows of every option that a file may give, by flag, each with its name. */
export type FileRows = ReadonlyMap<string, { readonly name: string; readonly row: OptionRow }>;

/** A file, and a word of warning about it. */
export interface ConfigFile extends FileValues {
  readonly warning: string | undefined;
}

/** What stands in front of the names of our keys in `~/.aws/config`. */
const PREFIX = 'rolesanywhere_';

/**
 * A JSON object whose keys are flags without their dashes: `{"role-arn": "arn:…", "session-duration": 900}`.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN`
 */
export async function loadJsonConfig(path: string, rows: FileRows, env: Environment): Promise<ConfigFile> {
  const subject = `config file ${path}`;
  const { text, isPublic } = await readTextFile(path, subject);
  const entries = Object.entries(parseObject(text, subject)).filter(([, value]) => value !== null);
  return configFile(entries, rows, { path, env, isPublic, label: (key) => `"${key}" in ${subject}` });
}

function parseObject(text: string, subject: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the parser's words: they quote the text.
    throw new OptionError('ERR_OPTION_INVALID', `${subject} must be JSON`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new OptionError('ERR_OPTION_INVALID', `${subject} must be one JSON object of flags and values`);
}

/**
 * A profile of `AWS_CONFIG_FILE`, by default `~/.aws/config`. Ours are its keys that are named after flags:
 * `rolesanywhere_role_arn = arn:…`. All others are left to the AWS programs, the region too.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN`
 */
export async function loadConfigProfile(
  profile: string,
  rows: FileRows,
  env: Environment,
): Promise<ConfigFile> {
  const path = expandHome(env['AWS_CONFIG_FILE'] || join('~', '.aws', 'config'), env);
  const subject = `AWS config file ${path}`;
  const file = await readAwsFile(path, subject);
  if (file === undefined) {
    throw new IdentityError('ERR_FILE_UNREADABLE', `${subject} cannot be read: there is no such file`);
  }
  const { text, isPublic } = file;
  const profiles = parseAwsConfig(text, subject);
  const section = profiles.get(profile);
  if (section === undefined) {
    const hint = nearest(profile, [...profiles.keys()]);
    throw new OptionError('ERR_OPTION_INVALID', `profile ${quote(profile)} is not in ${subject}${hint}`);
  }
  const entries = [...section]
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, value]) => [key.slice(PREFIX.length).replaceAll('_', '-'), value] as const);
  const label = (flag: string) => `${PREFIX}${flag.replaceAll('-', '_')} in profile ${profile} of ${subject}`;
  return configFile(entries, rows, { path, env, isPublic, label });
}

interface FileContext {
  readonly path: string;
  readonly env: Environment;
  readonly isPublic: boolean;
  label(flag: string): string;
}

function configFile(
  entries: ReadonlyArray<readonly [flag: string, value: unknown]>,
  rows: FileRows,
  { path, env, isPublic, label }: FileContext,
): ConfigFile {
  const values: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  let hasSecret = false;
  for (const [flag, value] of entries) {
    const known = rows.get(flag);
    if (known === undefined) {
      const found = /^[a-z0-9_-]{1,40}$/i.test(flag) ? label(flag) : `in ${path}`;
      throw new OptionError(
        'ERR_OPTION_UNKNOWN',
        `unknown option ${found}${nearest(flag, [...rows.keys()])}`,
      );
    }
    values[known.name] = isPath(known.row) ? besideFile(value, path, env) : value;
    labels[known.name] = label(flag);
    hasSecret ||= known.row.secret === true;
  }
  const warning = `${path} holds a passphrase, and every user of this machine can read it: chmod 600 it`;
  return {
    values,
    label: (name) => labels[name] ?? name,
    warning: isPublic && hasSecret ? warning : undefined,
  };
}

function isPath({ kind }: OptionRow): boolean {
  return kind.type === 'source' || kind.type === 'path';
}

/** The folder in which a program is started changes; that of the file does not. Text, `-` and references stay. */
function besideFile(value: unknown, file: string, env: Environment): unknown {
  if (typeof value !== 'string' || value === '' || value === '-') return value;
  if (value.includes('-----BEGIN ') || /^(pkcs11|handle):/i.test(value)) return value;
  return resolve(dirname(file), expandHome(value, env));
}
