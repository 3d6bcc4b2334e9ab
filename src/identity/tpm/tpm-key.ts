/**
 * A private key inside a TPM 2.0: reads its public half and signs with it. Every signature opens the TPM,
 * loads what it needs, and flushes it again, so that no object of ours stays in the TPM, whose memory holds
 * three.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { IdentityError, isRolesAnywhereError } from '../../errors.js';
import { encodeEcdsaSignature } from '../keys/ecdsa-signature.js';
import type { Authorization, Random } from './auth-session.js';
import { authValueOf, authValueProblem, EMPTY_PASSWORD, startAuthSession } from './auth-session.js';
import { TpmFormatError } from './codec.js';
import type { TpmDevice } from './device.js';
import { signingScheme } from './digest.js';
import type { TpmKeyFile } from './key-file.js';
import { RH_OWNER } from './key-file.js';
import type { PublicArea, TpmObject } from './public-area.js';
import {
  ATTRIBUTE,
  ENDORSEMENT_KEY_EC,
  padStart,
  STORAGE_PARENT_EC,
  STORAGE_PARENT_RSA,
} from './public-area.js';
import { TpmCommandError } from './response-code.js';
import { Tpm } from './tpm.js';

/** The place of the key: in the TPM already, or in a file that the TPM can load. */
export type TpmKeySource =
  | { readonly kind: 'handle'; readonly handle: number }
  | { readonly kind: 'file'; readonly file: TpmKeyFile };

export interface TpmKeyOptions {
  readonly source: TpmKeySource;
  /** How messages name the key, such as `private key handle:0x81000001`. */
  readonly subject: string;
  /** Opens the TPM: once for each signature, and once to read the public half of a key at a handle. */
  readonly open: () => Promise<TpmDevice>;
  /** Undefined or empty for a key without one. */
  readonly password: string | undefined;
  /** Runs work that a signal should not interrupt. Default: without protection. */
  readonly unbroken?: (<T>(work: () => Promise<T>) => Promise<T>) | undefined;
  /** Default: node:crypto's generator. */
  readonly random?: Random | undefined;
}

export interface TpmKey {
  readonly publicKey: KeyObject;
  /** RSASSA-PKCS1-v1_5 or ECDSA (DER) with SHA-256 over the data. @throws IdentityError */
  sign(data: Uint8Array): Promise<Buffer>;
}

const RH_NULL = 0x40000007;
const RH_ENDORSEMENT = 0x4000000b;

/**
 * Opens a key and checks that it can sign as the service requires. A key in a file is parsed without asking
 * the TPM.
 *
 * @throws IdentityError `ERR_TPM_UNAVAILABLE` `ERR_TPM_FAILED` `ERR_KEY_UNSUPPORTED`
 */
export async function openTpmKey(options: TpmKeyOptions): Promise<TpmKey> {
  const { source, subject } = options;
  const publicArea =
    source.kind === 'file'
      ? source.file.publicArea
      : await withTpm(options, async (tpm) => (await tpm.readPublic(source.handle)).publicArea);
  assertCanSign(publicArea, subject);
  return {
    publicKey: publicArea.key,
    sign: (data) => withTpm(options, (tpm) => signWhenRoom(tpm, options, publicArea, data)),
  };
}

function assertCanSign({ attributes, scheme, type, curveBits }: PublicArea, subject: string): void {
  const isSigning = (attributes & ATTRIBUTE.sign) !== 0;
  const isRestricted = (attributes & ATTRIBUTE.restricted) !== 0;
  if (!isSigning || isRestricted) {
    const found = isSigning
      ? 'a restricted key, which signs only data from the TPM'
      : 'a key without the sign attribute';
    throw new IdentityError('ERR_KEY_UNSUPPORTED', `${subject} must be a signing key, found ${found}`);
  }
  signingScheme({ type, scheme, curveBits }, subject);
}

/** Opens the TPM, and closes it whatever happens. Errors of TPM and codec become an IdentityError. */
async function withTpm<T>(options: TpmKeyOptions, use: (tpm: Tpm) => Promise<T>): Promise<T> {
  const { open, unbroken = (work) => work() } = options;
  const tpm = new Tpm(await open());
  return unbroken(async () => {
    try {
      return await use(tpm);
    } catch (error) {
      throw explain(error, options);
    } finally {
      await tpm.close();
    }
  });
}

function explain(error: unknown, { subject, password = '' }: TpmKeyOptions): unknown {
  if (isRolesAnywhereError(error)) return error;
  if (error instanceof TpmFormatError) {
    return new IdentityError(
      'ERR_TPM_FAILED',
      `${subject}: the answer of the TPM cannot be read: ${error.message}`,
    );
  }
  if (!(error instanceof TpmCommandError)) return error;
  const { rc = '', command } = error;
  const [code, text, hint] = isRefusal(error)
    ? explainRefusal(command, password)
    : (EXPLANATIONS[rc] ?? ['ERR_TPM_FAILED', 'the TPM refused']);
  return new IdentityError(code, `${subject}: ${text}: ${error.message}`, { hint });
}

type Explanation = readonly [
  code: 'ERR_TPM_FAILED' | 'ERR_TPM_LOCKOUT' | 'ERR_TPM_PASSWORD',
  text: string,
  hint?: string,
];

const WRONG_PASSWORD: Explanation = [
  'ERR_TPM_PASSWORD',
  'the TPM refused the password of the key',
  'it is not tried again: too many wrong passwords lock the TPM',
];
const NO_PASSWORD: Explanation = [
  'ERR_TPM_PASSWORD',
  'the TPM requires a password for the key',
  'give it with --tpm-key-password-file, also if the file says that there is none: tpm2_encodeobject up to ' +
    '5.7 writes the opposite',
];
const PARENT_PASSWORD: Explanation = [
  'ERR_TPM_PASSWORD',
  'the parent of the key has a password, which is not supported',
  'create the key below a parent without one, or make the key persistent (tpm2_evictcontrol) and ' +
    'name its handle',
];
const NO_ROOM: Explanation = [
  'ERR_TPM_FAILED',
  'the TPM has no room for another object or session',
  'programs that use /dev/tpm0 left objects there: flush them (tpm2_flushcontext -T device:/dev/tpm0 -t, ' +
    'and -l for sessions), and use /dev/tpmrm0',
];
const NOT_ITS_KEY: Explanation = [
  'ERR_TPM_FAILED',
  'the TPM cannot load the key',
  'the key belongs to another TPM, another parent, or a TPM that was cleared since',
];

const NO_OBJECT: Explanation = [
  'ERR_TPM_FAILED',
  'the TPM has nothing at this handle',
  'list what it has with tpm2_getcap handles-persistent',
];

/** Whether a password was wrong. */
function isRefusal({ rc = '' }: TpmCommandError): boolean {
  return rc === 'AUTH_FAIL' || rc === 'BAD_AUTH';
}

function explainRefusal(command: string, password: string): Explanation {
  if (command !== 'Sign') return PARENT_PASSWORD;
  return password === '' ? NO_PASSWORD : WRONG_PASSWORD;
}

const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  LOCKOUT: [
    'ERR_TPM_LOCKOUT',
    'the TPM is locked after too many wrong passwords',
    'wait for its recovery time, or reset it with the lockout password (tpm2_dictionarylockout ' +
      '--clear-lockout)',
  ],
  OBJECT_MEMORY: NO_ROOM,
  SESSION_MEMORY: NO_ROOM,
  OBJECT_HANDLES: NO_ROOM,
  SESSION_HANDLES: NO_ROOM,
  INTEGRITY: NOT_ITS_KEY,
  HANDLE: NO_OBJECT,
  REFERENCE_H0: NO_OBJECT,
  POLICY_FAIL: [
    'ERR_TPM_FAILED',
    'the policy of the key is not satisfied',
    'a PCR policy fails after a different boot',
  ],
  PCR_CHANGED: ['ERR_TPM_FAILED', 'a PCR changed while the policy was checked', 'try again'],
  INITIALIZE: ['ERR_TPM_FAILED', 'the TPM has not been started', 'start it with tpm2_startup -c'],
};

/**
 * Passwords that a TPM has refused to this process, as hashes: a second try would count towards its lockout.
 */
const refusedPasswords = new Set<string>();

/** How long a TPM without room is waited for, and how long at most until the next attempt. */
const ROOM_TIMEOUT_MS = 8000;
const ROOM_PAUSE_MS = 250;

/**
 * Signs when the TPM has room. Meanwhile nothing is held: two programs with a parent each would wait for the
 * other's.
 */
async function signWhenRoom(
  tpm: Tpm,
  options: TpmKeyOptions,
  publicArea: PublicArea,
  data: Uint8Array,
): Promise<Buffer> {
  for (const limit = AbortSignal.timeout(ROOM_TIMEOUT_MS); ; await wait(randomInt(ROOM_PAUSE_MS))) {
    try {
      return await signWith(tpm, options, publicArea, data);
    } catch (error) {
      if (!(error instanceof TpmCommandError && error.isFull) || limit.aborted) throw error;
    }
  }
}

async function signWith(
  tpm: Tpm,
  options: TpmKeyOptions,
  publicArea: PublicArea,
  data: Uint8Array,
): Promise<Buffer> {
  const { source, subject, password = '' } = options;
  const fingerprint = createHash('sha256').update(publicArea.name).update(password).digest('base64');
  if (refusedPasswords.has(fingerprint)) {
    const [code, text, hint] = password === '' ? NO_PASSWORD : WRONG_PASSWORD;
    throw new IdentityError(code, `${subject}: ${text} before`, { hint });
  }
  const { scheme, digest } = signingScheme(publicArea, subject);
  const open: number[] = [];
  try {
    const parent = await openParent(tpm, source, password !== '', open);
    const key = await loadKey(tpm, source, parent, publicArea, open);
    const authorization = await authorize(tpm, { key, parent, options }, open);
    const parts = await tpm.sign(key, digest(data), scheme, authorization);
    return publicArea.type === 'rsa' ? Buffer.concat(parts) : encodeEcdsaSignature(pairOf(parts));
  } catch (error) {
    if (error instanceof TpmCommandError && isRefusal(error)) refusedPasswords.add(fingerprint);
    throw error;
  } finally {
    for (const handle of open.reverse()) await tpm.flush(handle).catch(() => undefined);
  }
}

/** r and s in one length: a TPM drops the zeros in front. */
function pairOf(parts: readonly Buffer[]): Buffer {
  const length = Math.max(...parts.map((part) => part.length));
  return Buffer.concat(parts.map((part) => padStart(part, length)));
}

/** The parent of a key in a file; for a key at a handle, a key to salt a session with, if one is needed. */
async function openParent(
  tpm: Tpm,
  source: TpmKeySource,
  needsSession: boolean,
  open: number[],
): Promise<TpmObject | undefined> {
  if (source.kind === 'file') {
    const { parent, isParentRsa } = source.file;
    if (parent >>> 24 === 0x81) return tpm.readPublic(parent);
    return opened(tpm.createPrimary(parent, isParentRsa ? STORAGE_PARENT_RSA : STORAGE_PARENT_EC), open);
  }
  if (!needsSession) return undefined;
  // The endorsement key, unless its hierarchy is closed by a password; then a key of the open hierarchy, made
  // for this.
  return opened(
    tpm
      .createPrimary(RH_ENDORSEMENT, ENDORSEMENT_KEY_EC)
      .catch(() => tpm.createPrimary(RH_NULL, STORAGE_PARENT_EC)),
    open,
  );
}

async function opened(promise: Promise<TpmObject>, open: number[]): Promise<TpmObject> {
  const object = await promise;
  open.push(object.handle);
  return object;
}

async function loadKey(
  tpm: Tpm,
  source: TpmKeySource,
  parent: TpmObject | undefined,
  publicArea: PublicArea,
  open: number[],
): Promise<TpmObject> {
  if (source.kind === 'handle') return { handle: source.handle, publicArea };
  const { privateBytes, publicBytes } = source.file;
  const handle = await tpm.load(parent?.handle ?? RH_OWNER, privateBytes, publicBytes);
  open.push(handle);
  return { handle, publicArea };
}

async function authorize(
  tpm: Tpm,
  { key, parent, options }: { key: TpmObject; parent: TpmObject | undefined; options: TpmKeyOptions },
  open: number[],
): Promise<Authorization> {
  const { source, subject, password = '', random = randomBytes } = options;
  const policy = source.kind === 'file' ? source.file.policy : undefined;
  if (parent === undefined || (password === '' && policy === undefined)) return EMPTY_PASSWORD;
  const given = authValueOf(password);
  const problem = authValueProblem(given, key.publicArea);
  if (problem !== undefined)
    throw new IdentityError('ERR_TPM_PASSWORD', `the password of ${subject} ${problem}`);
  const needsAuthValue = policy?.some(({ name }) => name === 'PolicyAuthValue') !== false;
  const authValue = needsAuthValue ? given : Buffer.alloc(0);
  const isPolicy = policy !== undefined;
  const session = await startAuthSession(tpm, { saltKey: parent, authValue, isPolicy, random });
  open.push(session.handle);
  for (const { name, parameters } of policy ?? []) await tpm.policy(name, session.handle, parameters);
  return session;
}
