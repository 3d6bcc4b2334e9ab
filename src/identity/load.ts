/**
 * Loads identities, keys and certificates from files, standard input, text or bytes. The parsers are loaded
 * when there is something to parse.
 */
import { IdentityError, isRolesAnywhereError, OptionError } from '../errors.js';
import type { Environment } from '../options/choose-values.js';
import type { Certificate } from './certificate.js';
import type { SigningIdentity } from './identity.js';
import type { AskPassphrase, IdentitySource } from './identity-source.js';
import { passphraseOf } from './identity-source.js';
import type { Input, Inputs, ReadContext } from './inputs.js';
import { describePath, hasExternalKey, readFile, readInputs, wipeInputs } from './inputs.js';
import type { SigningHash } from './keys/algorithms.js';
import { decodePem, parsePem } from './keys/pem.js';
import type { PublicKey } from './keys/public-key.js';
import type { Sign } from './remote-signer.js';
import { toPlainForm } from './text-forms.js';

/** The number of attempts at a prompt. */
const MAX_QUESTIONS = 3;

export interface LoadContext extends ReadContext {
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
   * Runs work that a signal should not interrupt: a TPM without a resource manager (/dev/tpm0) keeps loaded
   * objects. Default: without protection.
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
  return parseInputs(source, await readForParsing(source, context), context);
}

/**
 * Parses what has been read for `source`, and wipes it.
 *
 * @throws IdentityError and OptionError as `loadIdentity`
 */
export function parseInputs(
  source: IdentitySource,
  inputs: Inputs,
  context: LoadContext,
): Promise<SigningIdentity> {
  return withPassphrase(source, inputs, context, async (materials, passphrase) => {
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

/** The parsers load while the files are read. */
function readForParsing(source: IdentitySource, context: LoadContext): Promise<Inputs> {
  // A failure of this import is that of the next one.
  import('./identity.js').catch(() => undefined);
  return readInputs(source, context);
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
  const inputs = await readForParsing(source, context);
  return withPassphrase(source, inputs, context, async (materials, passphrase) => {
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
  const inputs = await readForParsing({ certificate }, context);
  return withPassphrase({ passphrase }, inputs, context, async (material, secret) => {
    if (material.certificate === undefined)
      throw new OptionError('ERR_OPTION_MISSING', 'missing certificate');
    const { parseCertificates } = await import('./identity.js');
    return parseCertificates(material.certificate, secret);
  });
}

/** Parses inputs in their plain form, asks for a passphrase if one is missing, and wipes them. */
async function withPassphrase<T>(
  source: IdentitySource,
  inputs: Inputs,
  { askPassphrase, logger }: LoadContext,
  parse: (materials: Inputs, passphrase: string | undefined) => Promise<T>,
): Promise<T> {
  const materials = toPlainInputs(inputs, logger);
  try {
    const given = passphraseOf(source);
    if (given !== undefined || askPassphrase === undefined) return await parse(materials, given);
    const subject = (materials.privateKey ?? materials.certificate)?.subject ?? '';
    return await parseAsking((passphrase) => parse(materials, passphrase), askPassphrase, subject);
  } finally {
    wipeInputs(materials);
  }
}

/** Repairs damaged PEM and DER; wipes the inputs whose bytes it replaces. */
function toPlainInputs(inputs: Inputs, logger: LoadContext['logger']): Inputs {
  // Inputs from standard input share their bytes.
  const plain = new Map<Buffer, Buffer>();
  const convert = (input: Input | undefined): Input | undefined => {
    if (input === undefined) return undefined;
    const { subject } = input;
    const done = plain.get(input.bytes);
    if (done !== undefined) return { bytes: done, subject };
    const { bytes, undone } = toPlainForm(input.bytes);
    plain.set(input.bytes, bytes);
    for (const form of undone) logger?.debug?.(`${subject}: read as ${form}`);
    return { bytes, subject };
  };
  const { certificate, privateKey, intermediates } = inputs;
  return {
    certificate: convert(certificate),
    privateKey: convert(privateKey),
    intermediates: convert(intermediates),
  };
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
