/**
 * Reads the inputs of an identity: certificate, private key and intermediates, from files, standard input,
 * text or bytes. `load.ts` parses them.
 */
import { createReadStream } from 'node:fs';
import type { IdentityError } from '../errors.js';
import { readBytes, readStream } from '../files/read-bytes.js';
import type { IdentitySource, InputName } from './identity-source.js';
import { INPUT_NAMES, inputOf, isReference, mayBeContent } from './identity-source.js';

/** The bytes that were read. They may hold a private key: the reader wipes them. */
export interface Input {
  /** Inputs from standard input share them. */
  readonly bytes: Buffer;
  /** The name in messages, such as `certificate host.pem`. */
  readonly subject: string;
}

export type Inputs = Readonly<Record<InputName, Input | undefined>>;

export interface ReadContext {
  /** Opens what `-` reads. Default: the standard input of this process. */
  readonly stdin?: (() => AsyncIterable<Uint8Array | string>) | undefined;
}

/** The name of each input in messages. */
const ROLES: Readonly<Record<InputName, string>> = {
  certificate: 'certificate',
  privateKey: 'private key',
  intermediates: 'intermediates',
};

/**
 * Reads all inputs but those that name an object in a device; standard input once, however often it is named.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE`
 * @throws OptionError `ERR_OPTION_INVALID`: an input that is neither text nor bytes
 */
export async function readInputs(source: IdentitySource, { stdin }: ReadContext): Promise<Inputs> {
  let piped: Promise<Buffer> | undefined;
  const readings = INPUT_NAMES.map(async (name): Promise<Input | undefined> => {
    const [role, input] = [ROLES[name], isReference(source[name]) ? undefined : inputOf(source, name)];
    if (input === undefined) return undefined;
    // A copy, so that wiping it does not affect the caller.
    if (typeof input !== 'string' || (await isContent(input)))
      return { bytes: Buffer.from(input), subject: role };
    const subject = input === '-' ? `${role} from standard input` : describePath(input, role);
    if (input !== '-') return { bytes: await readFile(input, subject), subject };
    piped ??= readStdin(stdin, subject);
    return { bytes: await piped, subject };
  });
  const results = await Promise.allSettled(readings);
  const [certificate, privateKey, intermediates] = results.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  );
  const inputs = { certificate, privateKey, intermediates };
  const failure = results.find((result) => result.status === 'rejected');
  if (failure === undefined) return inputs;
  wipeInputs(inputs);
  throw failure.reason;
}

export function wipeInputs({ certificate, privateKey, intermediates }: Inputs): void {
  for (const input of [certificate, privateKey, intermediates]) input?.bytes.fill(0);
}

async function isContent(text: string): Promise<boolean> {
  // Loaded late, with the readers of PEM and DER: few texts are none but a path.
  return mayBeContent(text) && (await import('./text-forms.js')).isContent(text);
}

/** Whether the private key is on a token, in a TPM or behind a program. */
export function hasExternalKey(source: IdentitySource, { certificate, privateKey }: Inputs): boolean {
  return (
    source.signCommand !== undefined ||
    isReference(source.certificate) ||
    isReference(source.privateKey) ||
    (privateKey ?? certificate)?.bytes.includes('-----BEGIN TSS2 PRIVATE KEY-----') === true
  );
}

/**
 * Names a path in messages, unless it may be the text of a key: PEM in one line, base64 of DER (which begins
 * with `M`, since DER begins with the tag of a SEQUENCE), or any line of base64.
 */
export function describePath(path: string, role: string): string {
  const mayBeKey =
    /[\r\n]|--\s*BEGIN|PRIVATE KEY|^M[A-P][A-Za-z0-9+/_=-]{38}.{24}|^[A-Za-z0-9+/]{60,}={0,2}$/.test(path);
  return mayBeKey ? `${role} (the text given is neither PEM nor a path)` : `${role} ${path}`;
}

/** @throws IdentityError `ERR_FILE_UNREADABLE` */
export async function readFile(path: string, subject: string): Promise<Buffer> {
  try {
    return (await readBytes(path, { mayBePipe: true })).bytes;
  } catch (cause) {
    throw await unreadable(subject, cause);
  }
}

async function readStdin(open: ReadContext['stdin'], subject: string): Promise<Buffer> {
  try {
    return await readStream(open?.() ?? createReadStream('', { fd: 0, autoClose: false }));
  } catch (cause) {
    throw await unreadable(subject, cause);
  }
}

async function unreadable(subject: string, cause: unknown): Promise<IdentityError> {
  const { unreadable: describe } = await import('../files/read-file.js');
  return describe(subject, cause);
}
