/**
 * Writes the options of a session as flags for `credential_process`, with absolute paths and without secrets.
 */
import { resolve } from 'node:path';
import { OptionError } from '../../errors.js';
import { isReference } from '../../identity/identity-source.js';
import { isPath } from '../../identity/text-forms.js';
import type { Environment } from '../../options/choose-values.js';
import type { Flag } from '../options/flags.js';
import { variableOf } from '../options/flags.js';
import { ALL_SESSION_FLAGS } from '../options/session-flags.js';

/** By option name, as arguments give it. */
type Given = Readonly<Record<string, unknown>>;

/**
 * Options of the command line, else of the `ROLESANYWHERE_…` variables, which programs that use the profile
 * may not have. AWS's own variables are not written.
 *
 * @throws OptionError `ERR_OPTION_INVALID`: standard input, PEM text or a secret, which the line cannot name
 */
export function flagWords(given: Given, env: Environment): string[] {
  return Object.entries<Flag>(ALL_SESSION_FLAGS).flatMap(([name, flag]) => {
    const raw = given[name] ?? (flag.kind.type === 'secret' ? undefined : env[variableOf(flag)]);
    return raw === undefined || raw === '' || flag.memberOf !== undefined ? [] : wordsOf(raw, flag);
  });
}

function wordsOf(raw: unknown, flag: Flag): string[] {
  const name = `--${flag.flag}`;
  if (flag.kind.type === 'secret') throw secret(flag);
  if (flag.kind.type === 'boolean')
    return raw === true || raw === 'true' ? [name] : [`${name}=${String(raw)}`];
  if (Array.isArray(raw))
    return raw.flatMap((one) => (isRecord(one) ? recordWords(one) : pair(name, String(one))));
  return pair(name, isFile(flag) ? absolute(String(raw), name) : String(raw));
}

/** Flags of one assumed role, by flag. */
function recordWords(record: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(record).flatMap(([flag, value]) => {
    const text = String(value);
    const isFileUrl = flag === 'session-policy' && text.startsWith('file://');
    return pair(`--${flag}`, isFileUrl ? `file://${resolve(text.slice('file://'.length))}` : text);
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isFile({ kind }: Flag): boolean {
  return kind.type === 'path' || kind.type === 'source';
}

function pair(name: string, value: string): string[] {
  return value.startsWith('--') ? [`${name}=${value}`] : [name, value];
}

/** @throws OptionError `ERR_OPTION_INVALID` */
function absolute(value: string, name: string): string {
  if (isReference(value)) return value;
  if (isPath(value)) return resolve(value);
  const found = value === '-' ? 'standard input' : 'its text';
  throw new OptionError('ERR_OPTION_INVALID', `${name} must be a file in the AWS config, found ${found}`);
}

function secret(flag: Flag): OptionError {
  return new OptionError(
    'ERR_OPTION_INVALID',
    `--${flag.flag} is a secret, which the AWS config must not hold`,
    {
      hint: `put it into a file of mode 0600, and give that in --${fileFlagOf(flag.flag)}`,
    },
  );
}

function fileFlagOf(flag: string): string {
  const names = Object.values<Flag>(ALL_SESSION_FLAGS).map((other) => other.flag);
  return names.find((name) => name === `${flag}-file`) ?? 'pkcs8-password-file';
}
