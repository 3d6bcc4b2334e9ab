/**
 * The private keys that `ca` reads and writes, and their passphrases: from a file, or asked for at the
 * terminal.
 */
import { createPrivateKey } from 'node:crypto';
import { IdentityError, OptionError } from '../../errors.js';
import { readTextFile } from '../../files/read-file.js';
import { loadSigner } from '../../identity/load.js';
import { askAtTerminal, readPassphraseFrom } from '../options/passphrase.js';
import { programNameOf } from '../program-name.js';
import type { Io } from '../terminal/io.js';
import { say } from '../terminal/io.js';
import { formatWarning } from '../terminal/report.js';

const MAX_ATTEMPTS = 3;

/** A file with a passphrase, and the flag that names it. */
export interface PassphraseFile {
  readonly path: string | undefined;
  readonly flag: string;
}

/**
 * Reads an unencrypted or encrypted private key.
 *
 * @returns PKCS#8 PEM, not encrypted
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_KEY_INVALID` `ERR_KEY_PASSPHRASE`
 */
export async function readPrivateKey(path: string, file: PassphraseFile, io: Io): Promise<string> {
  const subject = `private key ${path}`;
  const { text, isPublic } = await readTextFile(path, subject);
  if (isPublic) warn(io, `${subject} can be read by every user of this machine: chmod 600 it`);
  // PKCS#8, and the older encryption of PEM blocks.
  const isEncrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text);
  if (!isEncrypted)
    return (await decrypt(text, undefined)) ?? fail('ERR_KEY_INVALID', `${subject} is not a PEM key`);
  if (file.path !== undefined) {
    const passphrase = await readPassphrase(file.path, file.flag, io);
    return (
      (await decrypt(text, passphrase)) ?? fail('ERR_KEY_PASSPHRASE', `the passphrase of ${subject} is wrong`)
    );
  }
  const ask = askAtTerminal();
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const passphrase = await ask(subject, attempt);
    if (passphrase === undefined) {
      fail('ERR_KEY_PASSPHRASE', `${subject} is encrypted`, `give its passphrase with --${file.flag}`);
    }
    const key = await decrypt(text, passphrase);
    if (key !== undefined) return key;
  }
  return fail('ERR_KEY_PASSPHRASE', `the passphrase of ${subject} is wrong`);
}

/**
 * The passphrase for a new key.
 *
 * @param asks whether to prompt for it if no file has it
 * @returns undefined for a key without encryption
 * @throws OptionError `ERR_OPTION_MISSING`: no terminal; `ERR_OPTION_INVALID`: empty, or two different answers
 */
export async function choosePassphrase(
  subject: string,
  file: PassphraseFile,
  asks: boolean,
  io: Io,
): Promise<string | undefined> {
  if (file.path !== undefined) {
    const passphrase = await readPassphrase(file.path, file.flag, io);
    if (passphrase !== '') return passphrase;
    throw new OptionError('ERR_OPTION_INVALID', `the passphrase file of --${file.flag} is empty`);
  }
  if (!asks) return undefined;
  const { askHidden } = await import('../terminal/prompt.js');
  const passphrase = await askHidden(`New passphrase of ${subject}: `);
  if (passphrase === undefined) {
    throw new OptionError('ERR_OPTION_MISSING', 'missing passphrase: there is no terminal to ask for it', {
      hint: `give it with --${file.flag}`,
    });
  }
  if (passphrase === '') throw new OptionError('ERR_OPTION_INVALID', 'the passphrase must not be empty');
  if (passphrase === (await askHidden('The same passphrase again: '))) return passphrase;
  throw new OptionError('ERR_OPTION_INVALID', 'the two passphrases differ', { hint: 'run it again' });
}

/** @returns PKCS#8 PEM, encrypted with AES-256 if there is a passphrase */
export function protect(privateKey: string, passphrase: string | undefined): string {
  if (passphrase === undefined) return privateKey;
  const cipher = { cipher: 'aes-256-cbc', passphrase };
  return createPrivateKey(privateKey)
    .export({ type: 'pkcs8', format: 'pem', ...cipher })
    .toString();
}

export function warn(io: Io, message: string): void {
  say(io.stderr, formatWarning(programNameOf(io), message));
}

async function readPassphrase(path: string, flag: string, io: Io): Promise<string> {
  return await readPassphraseFrom(path, `--${flag}`, io, { warn: (message) => warn(io, message) });
}

/**
 * Loaded as every private key first, which bounds its key derivation and measures its numbers. OpenSSL's
 * errors may quote the key: they are dropped.
 */
async function decrypt(text: string, passphrase: string | undefined): Promise<string | undefined> {
  try {
    await loadSigner({ privateKey: Buffer.from(text), passphrase });
    const key = createPrivateKey({
      key: text,
      format: 'pem',
      ...(passphrase !== undefined && { passphrase }),
    });
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    return undefined;
  }
}

function fail(code: 'ERR_KEY_INVALID' | 'ERR_KEY_PASSPHRASE', message: string, hint?: string): never {
  throw new IdentityError(code, message, { hint });
}
