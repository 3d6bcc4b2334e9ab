/**
 * Makes identities whose private key stays elsewhere: on a PKCS#11 token, in a TPM, or behind a program of
 * the user's. Every signature is verified with the certificate's key before it is used.
 */
import { hkdfSync } from 'node:crypto';
import { platform } from 'node:os';
import { IdentityError, OptionError, quote } from '../errors.js';
import type { Environment } from '../options/choose-values.js';
import { ambientEnvironment } from '../options/environment.js';
import { splitCommand } from '../options/split-command.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';
import type { Material } from './contents.js';
import type { SigningIdentity } from './identity.js';
import { createIdentity, parseCertificates, parseIdentity } from './identity.js';
import type { AskPassphrase, IdentitySource } from './identity-source.js';
import { isReference } from './identity-source.js';
import { decodePem, parsePem } from './keys/pem.js';
import type { PublicKey } from './keys/public-key.js';
import { publicKeyOf } from './keys/public-key.js';
import type { TokenKeyOptions } from './pkcs11/token-key.js';
import type { Sign } from './remote-signer.js';
import { guardSigner, isSignatureOf } from './remote-signer.js';
import type { TpmKey, TpmKeyOptions, TpmKeySource } from './tpm/tpm-key.js';

/** The inputs that are files, read. */
interface Files {
  readonly certificate: Material | undefined;
  readonly privateKey: Material | undefined;
  readonly intermediates: Material | undefined;
  readonly passphrase: string | undefined;
}

/** The part of `LoadContext` that is about keys elsewhere. */
interface ExternalKeyContext {
  readonly now?: (() => Date) | undefined;
  readonly askPassphrase?: AskPassphrase | undefined;
  readonly notify?: ((message: string) => void) | undefined;
  readonly env?: Environment | undefined;
  readonly unbroken?: TpmKeyOptions['unbroken'];
}

/** A person may have to touch a token or to type at its reader. */
const TOKEN_TIMEOUT_MS = 65_000;
const TPM_TIMEOUT_MS = 40_000;
const COMMAND_TIMEOUT_MS = 20_000;

/**
 * @throws IdentityError `ERR_PKCS11_…` `ERR_TPM_…` `ERR_KEY_SIGN` `ERR_KEY_MISMATCH` `ERR_KEY_UNSUPPORTED`
 * @throws OptionError `ERR_OPTION_INVALID` `ERR_OPTION_CONFLICT` `ERR_OPTION_MISSING`
 */
export function loadExternalIdentity(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<SigningIdentity> {
  if (source.signCommand !== undefined) return loadWithCommand(source, files, context);
  return kindOf(source) === 'token'
    ? loadFromToken(source, files, context)
    : loadFromTpm(source, files, context);
}

/** The signer, if no certificate is needed for it: a TPM's key has its own public half. */
export async function loadExternalSigner(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<ExternalSigner> {
  const isToken = source.signCommand === undefined && kindOf(source) === 'token';
  const lone = isToken && source.certificate === undefined ? await openLone(source, context) : undefined;
  if (lone !== undefined) return signerOf(publicKeyOf(lone.publicKey), lone.sign);
  if (source.signCommand !== undefined || isToken) {
    const { certificate, sign } = await loadExternalIdentity(source, files, context);
    return signerOf(certificate.publicKey, sign);
  }
  const key = await openTpm(source, files, context);
  return signerOf(publicKeyOf(key.publicKey), key.sign);
}

async function openLone(source: IdentitySource, context: ExternalKeyContext) {
  const { openLoneKey } = await import('./pkcs11/token-key.js');
  return openLoneKey(await tokenOptions(source, context));
}

interface ExternalSigner {
  readonly publicKey: PublicKey;
  sign(data: Uint8Array, hash?: string): Promise<Uint8Array>;
}

function signerOf(publicKey: PublicKey, sign: Sign): ExternalSigner {
  return {
    publicKey,
    sign: async (data, hash = 'sha256') => {
      if (hash === 'sha256') return sign(data);
      throw new OptionError(
        'ERR_OPTION_INVALID',
        `the digest must be SHA256 for a key that is not in a file, found ${hash.toUpperCase()}`,
      );
    },
  };
}

function kindOf({ certificate, privateKey }: IdentitySource): 'token' | 'tpm' {
  const isToken = [certificate, privateKey].some((input) => isReference(input) && /^pkcs11:/i.test(input));
  return isToken ? 'token' : 'tpm';
}

/** The certificates of the files, those of `intermediates` after the others. */
async function certificatesIn({ certificate, intermediates, passphrase }: Files): Promise<Certificate[]> {
  const given = [certificate, intermediates].filter((material) => material !== undefined);
  const parsed = await Promise.all(given.map((material) => parseCertificates(material, passphrase)));
  return parsed.flat();
}

interface ExternalKey {
  readonly certificates: readonly Certificate[];
  readonly subject: string;
  readonly publicKey?: SigningIdentity['publicKey'];
  readonly sign: Sign;
  readonly timeoutMs: number;
  /** Whether signing needs no person. */
  readonly isSilent: boolean;
}

function identityOf(
  key: ExternalKey,
  source: IdentitySource,
  { now = () => new Date() }: ExternalKeyContext,
): SigningIdentity {
  const { certificates, subject, publicKey, sign, timeoutMs, isSilent } = key;
  const selector = { subject: source.certificateSubject, serial: source.certificateSerial };
  const identity = createIdentity({ certificates, subject, selector, publicKey, sign, now: now() });
  const guarded = guardSigner(sign, identity.certificate, timeoutMs);
  // RSA PKCS#1 v1.5 signatures of one text are always equal; ECDSA and hedged ML-DSA signatures are not.
  const isDerivable = isSilent && identity.certificate.publicKey.type === 'rsa';
  const deriveKey = isDerivable ? (purpose: string) => deriveFromSignature(guarded, purpose) : undefined;
  return Object.freeze({ ...identity, sign: guarded, ...(deriveKey && { deriveKey }) });
}

/** 32 bytes by HKDF-SHA256 (RFC 5869) over a signature that only the holder of the key can make. */
async function deriveFromSignature(sign: Sign, purpose: string): Promise<Buffer> {
  const signature = await sign(Buffer.from(`rolesanywhere: this signature derives a key for ${purpose}`));
  return Buffer.from(hkdfSync('sha256', signature, '', purpose, 32));
}

async function loadFromToken(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<SigningIdentity> {
  const { openTokenKey, readTokenCertificates } = await import('./pkcs11/token-key.js');
  const options = await tokenOptions(source, context);
  if (options.keyUri === undefined && files.privateKey !== undefined) {
    const onToken = await readTokenCertificates(options);
    return pairWithKeyFile(onToken, files.privateKey, source, files, context);
  }
  const given = await certificatesIn(files);
  const key = await openTokenKey({ ...options, certificates: given.map(({ raw }) => raw) });
  const onToken = (await Promise.all(key.certificates.map(readableCertificate))).flat();
  const certificates = [...onToken, ...given];
  const publicKey = onToken[0]?.publicKey;
  return identityOf(
    { ...key, certificates, subject: 'PKCS#11 token', publicKey, timeoutMs: TOKEN_TIMEOUT_MS },
    source,
    context,
  );
}

async function tokenOptions(source: IdentitySource, context: ExternalKeyContext): Promise<TokenKeyOptions> {
  const [{ parsePkcs11Uri }, { openModule }, { pinOf }] = await Promise.all([
    import('./pkcs11/uri.js'),
    import('./pkcs11/open-module.js'),
    import('./pkcs11/pin.js'),
  ]);
  const { now = () => new Date(), notify = () => undefined, env = ambientEnvironment() } = context;
  const [certificateUri, keyUri] = (['certificate', 'privateKey'] as const).map((name) => {
    const input = source[name];
    return isReference(input) ? parsePkcs11Uri(input, name) : undefined;
  });
  const uri = { ...certificateUri, ...keyUri };
  const module = openModule(source.pkcs11Module, uri, env);
  const pin = async (subject: string): Promise<string | undefined> =>
    source.pkcs11Pin ?? (await pinOf(uri)) ?? context.askPassphrase?.(`PIN of ${subject}`, 0);
  const isPinReused = source.reusePin === true;
  const isPinGiven = [source.pkcs11Pin, uri.pinValue, uri.pinSource].some((given) => given !== undefined);
  return { module, certificateUri, keyUri, certificates: [], pin, isPinGiven, notify, now, isPinReused };
}

/** Among the many on a token a certificate may be damaged: it is left out. */
async function readableCertificate(der: Buffer): Promise<Certificate[]> {
  try {
    return [await parseCertificate(der, 'certificate on the token')];
  } catch (error) {
    if (error instanceof IdentityError) return [];
    throw error;
  }
}

/** The certificate on the token, its key in a file. */
async function pairWithKeyFile(
  onToken: readonly Buffer[],
  privateKey: Material,
  source: IdentitySource,
  { intermediates, passphrase }: Files,
  { now = () => new Date() }: ExternalKeyContext,
): Promise<SigningIdentity> {
  const pem = onToken.map(
    (der) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`,
  );
  const certificate = { bytes: Buffer.from(pem.join('')), subject: 'PKCS#11 token' };
  const selector = { subject: source.certificateSubject, serial: source.certificateSerial };
  return parseIdentity({ certificate, privateKey, intermediates, passphrase, selector, now: now() });
}

async function loadFromTpm(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<SigningIdentity> {
  const { publicKey, sign, subject } = await openTpm(source, files, context);
  const certificates = await certificatesIn(files);
  return identityOf(
    {
      ...{ certificates, subject, sign },
      publicKey: publicKeyOf(publicKey),
      timeoutMs: TPM_TIMEOUT_MS,
      isSilent: true,
    },
    source,
    context,
  );
}

async function openTpm(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<TpmKey & { readonly subject: string }> {
  const [{ openTpmKey }, { openTpmDevice, parseTpmAddress }, keySource] = await Promise.all([
    import('./tpm/tpm-key.js'),
    import('./tpm/device.js'),
    tpmKeySource(source, files),
  ]);
  const { tpmDevice } = source;
  const address =
    tpmDevice === undefined ? undefined : parseTpmAddress(tpmDevice, 'tpmDevice (--tpm-device)');
  const password = await tpmPassword(keySource, source, context);
  const open = () => openTpmDevice(address, platform());
  const key = await openTpmKey({ ...keySource, open, password, unbroken: context.unbroken });
  return { ...key, subject: keySource.subject };
}

interface NamedKeySource {
  readonly source: TpmKeySource;
  readonly subject: string;
}

/** A handle, or the key file among the inputs. */
async function tpmKeySource({ privateKey }: IdentitySource, files: Files): Promise<NamedKeySource> {
  if (isReference(privateKey)) {
    const [, digits] = /^handle:(?:0x)?([0-9a-f]{1,8})$/i.exec(privateKey) ?? [];
    if (digits === undefined) {
      throw new OptionError(
        'ERR_OPTION_INVALID',
        `privateKey (--private-key) must be handle:0x and up to 8 hex digits, found ${quote(privateKey)}`,
      );
    }
    return {
      source: { kind: 'handle', handle: Number.parseInt(digits, 16) },
      subject: `private key ${privateKey}`,
    };
  }
  const { parseTpmKeyFile } = await import('./tpm/key-file.js');
  const material = files.privateKey ?? files.certificate;
  if (material === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing private key');
  const { bytes, subject } = material;
  const block = parsePem(bytes, subject).blocks.find(({ label }) => label === 'TSS2 PRIVATE KEY');
  if (block === undefined)
    throw new IdentityError('ERR_PEM_INVALID', `${subject} must hold a TSS2 PRIVATE KEY`);
  return { source: { kind: 'file', file: parseTpmKeyFile(decodePem(block, subject), subject) }, subject };
}

/**
 * A key file says whether its key has a password; for a handle it is unknown, and the empty password is tried
 * unless a person can be asked.
 */
async function tpmPassword(
  { source: key, subject }: NamedKeySource,
  { tpmKeyPassword }: IdentitySource,
  { askPassphrase }: ExternalKeyContext,
): Promise<string | undefined> {
  // Also where the file says that there is none: tpm2_encodeobject up to 5.7 writes the opposite.
  if (tpmKeyPassword !== undefined) return tpmKeyPassword;
  if (key.kind === 'file' && key.file.hasEmptyAuth) return undefined;
  const asked = await askPassphrase?.(`TPM password of ${subject}`, 0);
  if (asked !== undefined || key.kind === 'handle') return asked;
  throw new IdentityError('ERR_TPM_PASSWORD', `${subject} has a password in the TPM, and none is given`, {
    hint:
      'give it with --tpm-key-password-file or ROLESANYWHERE_TPM_KEY_PASSWORD; --no-tpm-key-password ' +
      'says that it is empty',
  });
}

/** How messages name the option, in the library and on the command line. */
const SIGN_COMMAND = 'signCommand (--sign-command)';

/** As AWS KMS names them, by the kind of the certificate's key. */
const COMMAND_ALGORITHMS: Readonly<Record<string, string>> = {
  rsa: 'RSASSA_PKCS1_V1_5_SHA_256',
  ec: 'ECDSA_SHA_256',
  'ml-dsa-44': 'ML_DSA_44',
  'ml-dsa-65': 'ML_DSA_65',
  'ml-dsa-87': 'ML_DSA_87',
};

async function loadWithCommand(
  source: IdentitySource,
  files: Files,
  context: ExternalKeyContext,
): Promise<SigningIdentity> {
  if (source.privateKey !== undefined) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      `privateKey (--private-key) and ${SIGN_COMMAND} exclude each other`,
    );
  }
  if (files.certificate === undefined) throw new OptionError('ERR_OPTION_MISSING', 'missing certificate');
  const command = splitCommand(source.signCommand ?? '', SIGN_COMMAND);
  if (command.length === 0)
    throw new OptionError('ERR_OPTION_INVALID', `${SIGN_COMMAND} must name a program`);
  const certificates = await certificatesIn(files);
  const { signByCommand } = await import('./sign-command.js');
  const sign: Sign = (data) => {
    const { raw, publicKey } = identity.certificate;
    const algorithm = COMMAND_ALGORITHMS[publicKey.type ?? ''] ?? '';
    return signByCommand(data, {
      command,
      algorithm,
      certificate: raw,
      env: context.env ?? ambientEnvironment(),
      verify: (signed, signature) => isSignatureOf(publicKey, signed, signature),
    });
  };
  const { subject } = files.certificate;
  const identity: SigningIdentity = identityOf(
    { certificates, subject, sign, timeoutMs: COMMAND_TIMEOUT_MS + 5000, isSilent: true },
    source,
    context,
  );
  return identity;
}
