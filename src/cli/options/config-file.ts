/**
 * Loads options from a file: JSON (`--config`) or a profile of `~/.aws/config` (`--config-profile`). Only
 * files that are asked for are read, and mistakes in them are errors.
 */
import { dirname, resolve } from 'node:path';
import { IdentityError, OptionError, quote } from '../../errors.js';
import { expandHome } from '../../files/home.js';
import { readAwsFile, readTextFile } from '../../files/read-file.js';
import type { Environment, RawValue, Source } from '../../options/choose-values.js';
import { nearest } from '../../options/values.js';
import type { Arguments } from '../arguments.js';
import { parseAwsConfig } from './aws-config.js';
import { awsConfigPath } from './aws-paths.js';
import type { Flag, Flags } from './flags.js';

/**
 * The flags that a file may have: those of the command, and those of others, since one file may serve several.
 */
export interface KnownFlags {
  readonly flags: Flags;
  readonly otherFlags: Arguments['otherFlags'];
}

/** The options of a file. */
export interface ConfigFile extends Source {
  readonly warning: string | undefined;
}

/** Starts our keys in `~/.aws/config`. */
const PREFIX = 'rolesanywhere_';

/**
 * A JSON object whose keys are flags without their dashes: `{"role-arn": "arn:…", "session-duration": 900}`.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN`
 */
export async function loadJsonConfig(path: string, known: KnownFlags, env: Environment): Promise<ConfigFile> {
  const subject = `config file ${path}`;
  const { text, isPublic } = await readTextFile(path, subject);
  const entries = Object.entries(parseObject(text, subject)).filter(([, value]) => value !== null);
  return configFile(entries, known, { path, env, isPublic, label: (key) => `"${key}" in ${subject}` });
}

function parseObject(text: string, subject: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes the text.
    throw new OptionError('ERR_OPTION_INVALID', `${subject} must be JSON`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new OptionError('ERR_OPTION_INVALID', `${subject} must be one JSON object of flags and values`);
}

/**
 * A profile of `AWS_CONFIG_FILE`, by default `~/.aws/config`. Keys that begin with `rolesanywhere_` are named
 * after flags: `rolesanywhere_role_arn = arn:…`. All others, the region included, belong to the AWS programs.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_UNKNOWN`
 */
export async function loadConfigProfile(
  profile: string,
  known: KnownFlags,
  env: Environment,
): Promise<ConfigFile> {
  const path = awsConfigPath(env);
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
  return configFile(entries, known, { path, env, isPublic, label });
}

interface FileContext {
  readonly path: string;
  readonly env: Environment;
  readonly isPublic: boolean;
  label(flag: string): string;
}

async function configFile(
  entries: ReadonlyArray<readonly [flag: string, value: unknown]>,
  { flags, otherFlags }: KnownFlags,
  { path, env, isPublic, label }: FileContext,
): Promise<ConfigFile> {
  const byFlag = new Map(Object.entries(flags).map(([name, flag]) => [flag.flag, { name, flag }]));
  const values = new Map<string, RawValue>();
  let hasSecret = false;
  for (const [key, value] of entries) {
    const known = byFlag.get(key);
    if (known !== undefined) {
      const raw = isPath(known.flag) ? besideFile(value, path, env) : value;
      values.set(known.name, { raw, label: label(key) });
      hasSecret ||= known.flag.kind.type === 'secret';
      continue;
    }
    const others = (await otherFlags?.()) ?? new Set<string>();
    if (others.has(key)) continue;
    const found = /^[a-z0-9_-]{1,40}$/i.test(key) ? label(key) : `in ${path}`;
    const hint = nearest(key, [...new Set([...byFlag.keys(), ...others])]);
    throw new OptionError('ERR_OPTION_UNKNOWN', `unknown option ${found}${hint}`);
  }
  const warning = `${path} holds a passphrase, and every user of this machine can read it: chmod 600 it`;
  return {
    origin: 'file',
    find: (name) => [values.get(name) ?? []].flat(),
    warning: isPublic && hasSecret ? warning : undefined,
  };
}

function isPath({ kind }: Flag): boolean {
  return kind.type === 'source' || kind.type === 'path';
}

/** Resolves a relative path from the folder of the file, since programs start in any folder. */
function besideFile(value: unknown, file: string, env: Environment): unknown {
  if (typeof value !== 'string' || value === '' || value === '-') return value;
  if (value.includes('-----BEGIN ') || /^(pkcs11|handle):/i.test(value)) return value;
  return resolve(dirname(file), expandHome(value, env));
}
