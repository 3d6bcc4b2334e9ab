/**
 * Reads the passphrase of a key from the strongest of its sources: a flag (which others can see), the environment, a
 * file or standard input; and asks for it at the terminal.
 */
import { OptionError, oneLine } from '../../errors.js';
import type { AskPassphrase } from '../../identity/identity-source.js';
import type { Choice, Choices } from '../../options/choose-values.js';
import { weakerOf } from '../../options/choose-values.js';
import type { Io } from '../terminal/io.js';
import type { StderrLogger } from './read-flags.js';

const SOURCES = ['passphrase', 'passphraseFile', 'pkcs12PasswordFile'] as const;

type SourceName = (typeof SOURCES)[number];

/** Options that read standard input if they are `-`. */
const READERS = ['certificate', 'privateKey', 'intermediates'];

/**
 * @throws OptionError `ERR_OPTION_CONFLICT`: two sources in one place, or two options that read standard input
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 */
export async function readPassphrase(
  choices: Choices,
  io: Io,
  logger: StderrLogger,
): Promise<(Choice & { readonly value: string }) | undefined> {
  const options = choices as Choices<SourceName>;
  const [first, ...others] = SOURCES.filter((name) => options[name].origin !== 'default');
  if (first === undefined) return undefined;
  const name = others.reduce<SourceName>(
    (best, other) => (weakerOf(options, best, other) === best ? other : best),
    first,
  );
  const { value, label, origin } = options[name];
  if (name === 'passphrase') {
    if (origin === 'caller') {
      logger.alert(
        `${label} shows the passphrase to every user of this machine; ROLESANYWHERE_PKCS8_PASSWORD does not`,
      );
    }
    return { value: String(value), label, origin };
  }
  if (value === '-') assertOneReader(choices, label);
  return { value: await readPassphraseFrom(String(value), label, io, logger), label, origin };
}

function assertOneReader(choices: Choices, label: string): void {
  const other = READERS.map((name) => choices[name]).find((option) => option?.value === '-');
  if (other === undefined) return;
  throw new OptionError(
    'ERR_OPTION_CONFLICT',
    `${label} and ${other.label} both read standard input, which can be read once`,
  );
}

async function readPassphraseFrom(
  path: string,
  label: string,
  io: Io,
  logger: StderrLogger,
): Promise<string> {
  const { readTextFile, readTextStream } = await import('../../files/read-file.js');
  if (path === '-') return withoutLineEnd(await readTextStream(io.stdin(), `${label} from standard input`));
  const { text, isPublic } = await readTextFile(path, `password file ${path}`);
  if (isPublic) {
    logger.warn(`password file ${path} can be read by every user of this machine: chmod 600 it`);
  }
  return withoutLineEnd(text);
}

/**
 * Reads the PIN of a token from the file of `--pkcs11-pin-file`, unless `--pkcs11-pin` is the stronger source.
 *
 * @throws as `readPassphrase`
 */
export async function readPin(choices: Choices, io: Io, logger: StderrLogger): Promise<Choice | undefined> {
  const options = choices as Choices<'pkcs11Pin' | 'pkcs11PinFile'>;
  const { pkcs11Pin, pkcs11PinFile } = options;
  if (pkcs11Pin.origin === 'caller') {
    const { label } = pkcs11Pin;
    logger.alert(`${label} shows the PIN to every user of this machine; ROLESANYWHERE_PKCS11_PIN does not`);
  }
  const isWeaker = weakerOf(options, 'pkcs11Pin', 'pkcs11PinFile') === 'pkcs11PinFile';
  if (pkcs11PinFile.origin === 'default' || isWeaker) return undefined;
  const { value: path, label, origin } = pkcs11PinFile;
  if (path === '-') assertOneReader(choices, label);
  return { value: await readPassphraseFrom(String(path), label, io, logger), label, origin };
}

/** Removes one line end, which editors and `echo` append. */
function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}

/** Asks at the terminal, if there is one. The answer is remembered, so that `serve` and `update` ask once. */
export function askAtTerminal(): AskPassphrase {
  let known: string | undefined;
  return async (subject, attempt) => {
    if (attempt === 0 && known !== undefined) return known;
    const { askHidden } = await import('../terminal/prompt.js');
    const before = attempt === 0 ? '' : 'Wrong passphrase. ';
    const answer = await askHidden(`${before}Passphrase of ${oneLine(subject, 200)}: `);
    known = answer ?? known;
    return answer;
  };
}
