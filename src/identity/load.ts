/**
 * Loads identities, keys and certificates from files, standard input, text or bytes. The parsers are loaded
 * when there is something to parse.
 */
import { createReadStream } from 'node:fs';
import { IdentityError, isRolesAnywhereError, OptionError } from '../errors.js';
import { readBytes, readStream } from '../files/read-bytes.js';
import type { Environment } from '../options/choose-values.js';
import type { Certificate } from './certificate.js';
import type { Material } from './contents.js';
import type { SigningIdentity } from './identity.js';
import type { AskPassphrase, IdentitySource, InputName, PemOrPath } from './identity-source.js';
import { INPUT_NAMES, inputOf, isReference, passphraseOf } from './identity-source.js';
import type { SigningHash } from './keys/algorithms.js';
import { decodePem, parsePem } from './keys/pem.js';
import type { PublicKey } from './keys/public-key.js';
import type { Sign } from './remote-signer.js';
import { isContent, toPlainForm } from './text-forms.js';

/** The number of attempts at a prompt. */
const MAX_QUESTIONS = 3;

/** The name of each input in messages. */
const ROLES: Readonly<Record<InputName, string>> = {
  certificate: 'certificate',
  privateKey: 'private key',
  intermediates: 'intermediates',
};

export interface LoadContext {
  /** Opens what `-` reads. Default: the standard input of this process. */
  readonly stdin?: (() => AsyncIterable<Uint8Array | string>) | undefined;
  /**
   * The clock: of several certificates for the key, one that is valid now is taken. Default: the system clock.
   */
  readonly now?: (() => Date) | undefined;
  /**
   * Signs in place of a private key, in the form that the kind of the certificate's key prescribes:
   * RSASSA-PKCS1-v1_5 with SHA-256, ECDSA with SHA-256 in DER (r and s side by side are converted), or pure
   * ML-DSA, over the data. The first end-entity certificate is the signer's. Each signature is verified with
   * its key before it is used.
   */
  readonly sign?: Sign | undefined;
  /** The limit for each call of `sign`, in milliseconds. Default 15000. */
  readonly signTimeoutMs?: number | undefined;
  /** Called for an encrypted key without `passphrase`, at most three times. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** Called for inputs that were not plain PEM or DER, such as base64 around PEM. */
  readonly logger?: { debug?(message: string): void } | undefined;
  /** Called with an instruction for the user of a token, such as to touch it. Default: no call. */
  readonly notify?: ((message: string) => void) | undefined;
  /**
   * Runs what a signal should not cut off: a TPM without a resource manager (/dev/tpm0) keeps what was loaded
   * into it. Default: it is cut off.
   */
  readonly unbroken?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
  /**
   * For the child processes of PKCS#11 modules and signing programs. Default: the environment of this process.
   */
  readonly env?: Environment | undefined;
}

/**
 * Loads a certificate with its key and chain, and makes sure that they belong together.
 *
 * @param source `certificate`, `privateKey` and `intermediates`: each a path, PEM text, bytes (PEM, DER,
 *   PKCS#7, PKCS#12), or `-` for standard input (which may hold all of them). The leaf is the certificate of
 *   the key, the valid one that ends last of several with one subject. Of the others those between it and its
 *   trust anchor are kept.
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_INVALID`
 *   `ERR_KEY_PASSPHRASE` `ERR_KEY_UNSUPPORTED` `ERR_KEY_MISMATCH` `ERR_CERTIFICATE_AMBIGUOUS`
 *   `ERR_CHAIN_TOO_LONG`
 * @throws OptionError `ERR_OPTION_MISSING`: no certificate, or no private key anywhere
 * @example
 * const identity = await loadIdentity({ certificate: 'host.pem', privateKey: 'host.key' });
 * const remote = await loadIdentity({ certificate: 'host.pem' }, { sign: (data) => hsm.sign(data) });
 */
export async function loadIdentity(
  source: IdentitySource,
  context: LoadContext = {},
): Promise<SigningIdentity> {
  return withMaterial(withoutReferences(source), context, async (materials, passphrase) => {
    if (hasExternalKey(source, materials)) {
      const { loadExternalIdentity } = await import('./external-key.js');
      return loadExternalIdentity(source, { ...materials, passphrase }, context);
    }
    const { certificate, ...others } = materials;
    if (certificate === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing certificate');
    const { parseIdentity } = await import('./identity.js');
    const { now = () => new Date(), sign, signTimeoutMs } = context;
    const selector = { subject: source.certificateSubject, serial: source.certificateSerial };
    const moment = now();
    return parseIdentity({ certificate, ...others, passphrase, selector, sign, signTimeoutMs, now: moment });
  });
}

/** A source without the inputs that name no file. */
function withoutReferences(source: IdentitySource): IdentitySource {
  const references = INPUT_NAMES.filter((name) => isReference(source[name]));
  return { ...source, ...Object.fromEntries(references.map((name) => [name, undefined])) };
}

/** Whether the private key is on a token, in a TPM or behind a program. */
function hasExternalKey(source: IdentitySource, { certificate, privateKey }: Materials): boolean {
  return (
    source.signCommand !== undefined ||
    isReference(source.certificate) ||
    isReference(source.privateKey) ||
    (privateKey ?? certificate)?.bytes.includes('-----BEGIN TSS2 PRIVATE KEY-----') === true
  );
}

/** A private key, in a file or elsewhere. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** @throws OptionError `ERR_OPTION_INVALID`: another hash than SHA-256, for a key that is not in a file */
  sign(data: Uint8Array, hash?: SigningHash): Promise<Uint8Array>;
}

/**
 * Loads a signer that is not for a session: the key in `privateKey`, else the one in `certificate`, or a key
 * elsewhere. If both are given, they must belong together.
 *
 * @throws IdentityError and OptionError as `loadIdentity`
 */
export async function loadSigner(source: IdentitySource, context: LoadContext = {}): Promise<Signer> {
  return withMaterial(withoutReferences(source), context, async (materials, passphrase) => {
    if (hasExternalKey(source, materials)) {
      const { loadExternalSigner } = await import('./external-key.js');
      return loadExternalSigner(source, { ...materials, passphrase }, context);
    }
    const { certificate, privateKey } = materials;
    const material = privateKey ?? certificate;
    if (material === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing private key');
    const { parseIdentity, parseSigningKey } = await import('./identity.js');
    if (certificate !== undefined && privateKey !== undefined) {
      const { now = () => new Date() } = context;
      await parseIdentity({ ...materials, certificate, passphrase, selector: {}, now: now() });
    }
    const key = await parseSigningKey(material, passphrase);
    return { publicKey: key.publicKey, sign: async (data, hash) => key.sign(data, hash) };
  });
}

/**
 * Loads certificates alone, in the order of the file.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID`
 */
export async function loadCertificates(
  source: IdentitySource,
  context: LoadContext = {},
): Promise<readonly Certificate[]> {
  const { certificate, passphrase } = source;
  return withMaterial({ certificate, passphrase }, context, async (material, secret) => {
    if (material.certificate === undefined)
      throw new OptionError('ERR_OPTION_MISSING', 'missing certificate');
    const { parseCertificates } = await import('./identity.js');
    return parseCertificates(material.certificate, secret);
  });
}

type Materials = Readonly<Record<InputName, Material | undefined>>;

/** Reads the inputs of a source, and wipes them when they are parsed. */
async function withMaterial<T>(
  source: IdentitySource,
  context: LoadContext,
  parse: (materials: Materials, passphrase: string | undefined) => Promise<T>,
): Promise<T> {
  const given = passphraseOf(source);
  const read = reader(context);
  const reading = INPUT_NAMES.map(async (name) => {
    const from = inputOf(source, name);
    return from === undefined ? undefined : read(from, ROLES[name]);
  });
  // The parsers load while the files are read; a failure of this import is that of the next one.
  import('./identity.js').catch(() => undefined);
  const results = await Promise.allSettled(reading);
  try {
    const [certificate, privateKey, intermediates] = results.map(requireValue);
    const materials = { certificate, privateKey, intermediates };
    if (given !== undefined || context.askPassphrase === undefined) return await parse(materials, given);
    const subject = (privateKey ?? certificate)?.subject ?? '';
    return await parseAsking((passphrase) => parse(materials, passphrase), context.askPassphrase, subject);
  } finally {
    for (const result of results) {
      if (result.status === 'fulfilled') result.value?.bytes.fill(0);
    }
  }
}

/** Tries without a passphrase first, and asks if one is missing or wrong. */
async function parseAsking<T>(
  parse: (passphrase: string | undefined) => Promise<T>,
  ask: AskPassphrase,
  subject: string,
): Promise<T> {
  let passphrase: string | undefined;
  for (let asked = 0; ; asked++) {
    try {
      return await parse(passphrase);
    } catch (error) {
      const isPassphrase = error instanceof IdentityError && error.code === 'ERR_KEY_PASSPHRASE';
      if (!isPassphrase || asked === MAX_QUESTIONS) throw error;
      passphrase = await askCaller(ask, subject, asked);
      if (passphrase === undefined) throw error;
    }
  }
}

/**
 * An error of the caller's function becomes the cause, not the message, which may hold a secret. Our own
 * errors are passed on.
 */
async function askCaller(ask: AskPassphrase, subject: string, asked: number): Promise<string | undefined> {
  try {
    return await ask(subject, asked);
  } catch (cause) {
    // The terminal's: the question was interrupted.
    if (isRolesAnywhereError(cause)) throw cause;
    const name = cause instanceof Error ? cause.name : typeof cause;
    throw new IdentityError('ERR_KEY_PASSPHRASE', `askPassphrase failed for ${subject}: ${name}`, { cause });
  }
}

function requireValue<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/**
 * Certificates to trust for TLS, as PEM text.
 *
 * @throws IdentityError `ERR_FILE_UNREADABLE` `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID`
 */
export async function loadTrustBundle(path: string, role = 'CA bundle'): Promise<string> {
  const subject = describePath(path, role);
  const bytes = await readFile(path, subject);
  // Its size is limit enough: the bundles of operating systems hold hundreds.
  const { blocks, damage } = parsePem(bytes, subject, Number.POSITIVE_INFINITY);
  if (damage !== undefined) throw new IdentityError('ERR_PEM_INVALID', `${subject} ${damage}`);
  const certificates = blocks.filter(({ label }) => /^(X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (certificates.length === 0) {
    throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold PEM certificates, found none`, {
      hint: 'give the certificates of the authorities; openssl x509 -inform DER -in FILE converts one',
    });
  }
  // TLS would silently skip a damaged one, and then fail for another reason. Its first octet is enough:
  // parsing all of a system's authorities would take longer than the request.
  for (const certificate of certificates) {
    if (decodePem(certificate, subject)[0] !== 0x30) {
      throw new IdentityError('ERR_CERTIFICATE_INVALID', `${subject} holds a damaged certificate`);
    }
  }
  return bytes.toString('latin1');
}

/** Reads inputs; standard input once, however often it is named. */
function reader(context: LoadContext): (input: PemOrPath, role: string) => Promise<Material> {
  const plain = (bytes: Buffer, subject: string): Material => {
    const { bytes: own, undone } = toPlainForm(bytes);
    for (const form of undone) context.logger?.debug?.(`${subject}: read as ${form}`);
    return { bytes: own, subject };
  };
  let piped: Promise<Material> | undefined;
  return async (input, role) => {
    // Copies, so that wiping them afterwards does not affect the caller.
    if (typeof input !== 'string' || isContent(input)) return plain(Buffer.from(input), role);
    if (input === '-') {
      const subject = `${role} from standard input`;
      piped ??= readStdin(context, subject).then((bytes) => plain(bytes, subject));
      return { bytes: (await piped).bytes, subject };
    }
    const subject = describePath(input, role);
    return plain(await readFile(input, subject), subject);
  };
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

async function readFile(path: string, subject: string): Promise<Buffer> {
  try {
    return (await readBytes(path, { mayBePipe: true })).bytes;
  } catch (cause) {
    throw await unreadable(subject, cause);
  }
}

async function readStdin(context: LoadContext, subject: string): Promise<Buffer> {
  try {
    return await readStream(context.stdin?.() ?? createReadStream('', { fd: 0, autoClose: false }));
  } catch (cause) {
    throw await unreadable(subject, cause);
  }
}

async function unreadable(subject: string, cause: unknown): Promise<IdentityError> {
  const { unreadable: describe } = await import('../files/read-file.js');
  return describe(subject, cause);
}
