/**
 * Formats environment variables for shells and for readers of environment files, quoted so that nothing in a
 * value can run.
 *
 * Source: POSIX Shell Command Language §2.2.2; fish, "Quotes"; PowerShell, about_Quoting_Rules;
 * systemd.exec(5), EnvironmentFile=; docker run, --env-file.
 */
import { OutputError } from '../../errors.js';

/** Names and values, in the order in which they are written; undefined unsets the variable. */
export type Variables = ReadonlyArray<readonly [name: string, value: string | undefined]>;

interface EnvFormat {
  readonly set: (name: string, value: string) => string;
  readonly unset: (name: string) => string;
}

/**
 * Values that need no quotes anywhere: letters, digits, and the other characters of base64, ARNs and times.
 * zsh replaces `=ls` at the start of a value, and after a colon, with the path of `ls`.
 */
const PLAIN = /^(?!=)(?:(?!:=)[A-Za-z0-9_/+=.:@,-])*$/;

export const ENV_FORMATS = {
  posix: {
    set: (name, value) => `export ${name}=${quotePosix(value)}`,
    unset: (name) => `unset ${name}`,
  },
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replaceAll(/['\\]/g, '\\$&')}'`,
    unset: (name) => `set -e ${name}`,
  },
  powershell: {
    // PowerShell reads typographic single quotes as the plain one.
    set: (name, value) => `$Env:${name} = '${value.replaceAll(/['\u2018-\u201b]/g, '$&$&')}'`,
    unset: (name) => `Remove-Item Env:${name} -ErrorAction SilentlyContinue`,
  },
  cmd: {
    // No quoting of % works both at the prompt and in a batch file.
    set: (name, value) => `set "${name}=${assertPlain(name, value, 'cmd')}"`,
    unset: (name) => `set "${name}="`,
  },
  dotenv: {
    set: (name, value) => `${name}=${PLAIN.test(value) ? value : quoteDotenv(name, value)}`,
    unset: (name) => `${name}=`,
  },
  systemd: {
    set: (name, value) => `${name}="${assertLine(name, value, 'systemd').replaceAll(/["\\$`]/g, '\\$&')}"`,
    unset: (name) => `${name}=`,
  },
  docker: {
    // Docker reads everything after the = literally.
    set: (name, value) => `${name}=${assertLine(name, value, 'docker')}`,
    unset: (name) => `${name}=`,
  },
  'env-no-export': {
    set: (name, value) => `${name}=${quotePosix(value)}`,
    unset: (name) => `unset ${name}`,
  },
} as const satisfies Readonly<Record<string, EnvFormat>>;

export type EnvFormatName = keyof typeof ENV_FORMATS;

/** One line for each variable. @throws OutputError `ERR_FILE_WRITE`: a value that the format cannot hold */
export function formatVariables(variables: Variables, name: EnvFormatName): string {
  const format: EnvFormat = ENV_FORMATS[name];
  const lines = variables.map(([variable, value]) =>
    value === undefined ? format.unset(variable) : format.set(variable, value),
  );
  return `${lines.join('\n')}\n`;
}

function quotePosix(value: string): string {
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Single quotes are the only quotes that all readers of .env files support; a value cannot contain one. */
function quoteDotenv(name: string, value: string): string {
  if (value.includes("'")) throw unsupported(name, 'dotenv');
  return `'${assertLine(name, value, 'dotenv')}'`;
}

function assertLine(name: string, value: string, format: string): string {
  if (/[\r\n\0]/.test(value)) throw unsupported(name, format);
  return value;
}

function assertPlain(name: string, value: string, format: string): string {
  if (!PLAIN.test(value)) throw unsupported(name, format);
  return value;
}

/** The message does not show the value, which may be a secret. */
function unsupported(name: string, format: string): OutputError {
  return new OutputError(
    'ERR_FILE_WRITE',
    `the value of ${name} has characters that format ${format} cannot hold safely`,
    {
      hint: 'use --format json, or posix',
    },
  );
}
