/**
 * Reads the secrets of an identity (passphrase, PIN of a token, password of a TPM's key), each from the
 * strongest of its sources: a flag (which others can see), the environment, a file or standard input; and
 * asks for them at the terminal.
 */
import { OptionError, oneLine } from '../../errors.js';
import type { AskPassphrase } from '../../identity/identity-source.js';
import type { Choice, Choices } from '../../options/choose-values.js';
import { weakerOf } from '../../options/choose-values.js';
import type { Io } from '../terminal/io.js';
import type { StderrLogger } from './read-flags.js';

/** A secret, and the options that give it: the value itself, or a file. */
interface SecretOptions {
  readonly direct: string;
  readonly files: readonly string[];
  /** The variable to use in place of the flag. */
  readonly variable: string;
  /** How messages name it. */
  readonly what: string;
}

const PASSPHRASE: SecretOptions = {
  direct: 'passphrase',
  files: ['passphraseFile', 'pkcs12PasswordFile'],
  variable: 'ROLESANYWHERE_PKCS8_PASSWORD',
  what: 'passphrase',
};

const PIN: SecretOptions = {
  direct: 'pkcs11Pin',
  files: ['pkcs11PinFile'],
  variable: 'ROLESANYWHERE_PKCS11_PIN',
  what: 'PIN',
};

const TPM_PASSWORD: SecretOptions = {
  direct: 'tpmKeyPassword',
  files: ['tpmKeyPasswordFile'],
  variable: 'ROLESANYWHERE_TPM_KEY_PASSWORD',
  what: 'password',
};

/** Options that read standard input if they are `-`. */
const READERS = ['certificate', 'privateKey', 'intermediates', 'passphraseFile', 'pkcs12PasswordFile'].concat(
  'pkcs11PinFile',
  'tpmKeyPasswordFile',
);

type Secret = Choice & { readonly value: string };

/** The secrets of an identity, by the option that takes each; those that are not given are absent. */
export async function readSecrets(
  choices: Choices,
  io: Io,
  logger: StderrLogger,
): Promise<{ passphrase?: Secret; pkcs11Pin?: Secret; tpmKeyPassword?: Secret }> {
  const passphrase = await readSecret(choices, PASSPHRASE, io, logger);
  const pkcs11Pin = await readSecret(choices, PIN, io, logger);
  const { noTpmKeyPassword } = choices;
  const emptyPassword = noTpmKeyPassword?.value === true ? { ...noTpmKeyPassword, value: '' } : undefined;
  const tpmKeyPassword = (await readSecret(choices, TPM_PASSWORD, io, logger)) ?? emptyPassword;
  return {
    ...(passphrase && { passphrase }),
    ...(pkcs11Pin && { pkcs11Pin }),
    ...(tpmKeyPassword && { tpmKeyPassword }),
  };
}

/**
 * @throws OptionError `ERR_OPTION_CONFLICT`: two sources in one place, or two options that read standard input
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
async function readSecret(
  choices: Choices,
  { direct, files, variable, what }: SecretOptions,
  io: Io,
  logger: StderrLogger,
): Promise<Secret | undefined> {
  const given = [direct, ...files].filter((name) => (choices[name]?.origin ?? 'default') !== 'default');
  const [first, ...others] = given;
  if (first === undefined) return undefined;
  const name = others.reduce(
    (best, other) => (weakerOf(choices, best, other) === best ? other : best),
    first,
  );
  const choice = choices[name];
  if (choice === undefined) return undefined;
  const { value, label, origin } = choice;
  if (name === direct) {
    if (origin === 'caller') {
      logger.alert(`${label} shows the ${what} to every user of this machine; ${variable} does not`);
    }
    return { value: String(value), label, origin };
  }
  if (value === '-') assertOneReader(choices, name, label);
  return { value: await readPassphraseFrom(String(value), label, io, logger), label, origin };
}

function assertOneReader(choices: Choices, own: string, label: string): void {
  const other = READERS.filter((name) => name !== own)
    .map((name) => choices[name])
    .find((option) => option?.value === '-');
  if (other === undefined) return;
  throw new OptionError(
    'ERR_OPTION_CONFLICT',
    `${label} and ${other.label} both read standard input, which can be read once`,
  );
}

/**
 * The content of a file, or of standard input where the path is `-`, without its last line end.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readPassphraseFrom(
  path: string,
  label: string,
  io: Pick<Io, 'stdin'>,
  logger: Pick<StderrLogger, 'warn'>,
): Promise<string> {
  const { readTextFile, readTextStream } = await import('../../files/read-file.js');
  if (path === '-') return withoutLineEnd(await readTextStream(io.stdin(), `${label} from standard input`));
  const { text, isPublic } = await readTextFile(path, `password file ${path}`);
  if (isPublic) {
    logger.warn(`password file ${path} can be read by every user of this machine: chmod 600 it`);
  }
  return withoutLineEnd(text);
}

/** Removes one line end, which editors and `echo` append. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Asks at the terminal, if there is one. Answers are remembered, so that `serve` and `update` ask once. */
export function askAtTerminal(): AskPassphrase {
  const known = new Map<string, string>();
  return async (subject, attempt) => {
    const before = known.get(subject);
    if (attempt === 0 && before !== undefined) return before;
    const { askHidden } = await import('../terminal/prompt.js');
    // A token's PIN and a TPM's password say so themselves.
    const what = /^(PIN|TPM password) of /.test(subject) ? '' : 'Passphrase of ';
    const answer = await askHidden(
      `${attempt === 0 ? '' : 'Wrong passphrase. '}${what}${oneLine(subject, 200)}: `,
    );
    if (answer !== undefined) known.set(subject, answer);
    return answer;
  };
}
