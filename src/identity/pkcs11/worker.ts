/**
 * The process that runs a PKCS#11 module. Calls of a module block, and a module may crash: both are kept away
 * from the program, which starts this file as a child. Requests come in on standard input, replies leave on
 * file descriptor 3, since modules of some vendors print to standard output.
 *
 * Source: PKCS #11 Specification Version 3.1 (OASIS).
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Attribute, Handle, PKCS11 } from 'pkcs11js';
import type {
  CertificateObject,
  Failure,
  KeyObject,
  Login,
  ModuleInfo,
  Operations,
  Request,
  SignRequest,
  TokenInfo,
  TokenObjects,
} from './messages.js';

const REPLIES = 3;

const CKF_SERIAL_SESSION = 0x4;
const CKF_OS_LOCKING_OK = 0x2;
const CKU_USER = 1;
const CKU_CONTEXT_SPECIFIC = 2;
const CKO_CERTIFICATE = 1;
const CKO_PUBLIC_KEY = 2;
const CKO_PRIVATE_KEY = 3;
const CKC_X_509 = 0;
const CKA_CLASS = 0x0;
const CKA_LABEL = 0x3;
const CKA_VALUE = 0x11;
const CKA_CERTIFICATE_TYPE = 0x80;
const CKA_KEY_TYPE = 0x100;
const CKA_ID = 0x102;
const CKA_MODULUS = 0x120;
const CKA_PUBLIC_EXPONENT = 0x122;
const CKA_EC_PARAMS = 0x180;
const CKA_EC_POINT = 0x181;
const CKA_ALWAYS_AUTHENTICATE = 0x202;
const CKK_RSA = 0;
const CKK_EC = 3;
const CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191;
const CKR_CANT_LOCK = 0xa;
const CKR_USER_ALREADY_LOGGED_IN = 0x100;
const CKR_GENERAL_ERROR = 0x5;
const CKR_USER_PIN_NOT_INITIALIZED = 0x102;
const MAX_ATTEMPTS = 6;
const ATTEMPT_PAUSE_MS = 40;
const MAX_RESTARTS = 4;

/** The largest signature: RSA with 16,384 bits. */
const MAX_SIGNATURE_BYTES = 2048;
/** Tokens of some users hold hundreds of old certificates. */
const MAX_OBJECTS = 1000;

let loaded: PKCS11 | undefined;

function requireModule(): PKCS11 {
  if (loaded === undefined) throw new Error('no module is open');
  return loaded;
}

async function open({ module }: { readonly module: string }): Promise<void> {
  const { PKCS11 } = await importBinding();
  const pkcs11 = new PKCS11();
  pkcs11.load(module);
  initialize(pkcs11);
  loaded = pkcs11;
}

/** The package is optional: who has keys in files never installs it. */
async function importBinding(): Promise<typeof import('pkcs11js')> {
  try {
    return await import('pkcs11js');
  } catch (error) {
    throw new BindingError('pkcs11js', { cause: error });
  }
}

class BindingError extends Error {}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function tokens(): ModuleInfo {
  const pkcs11 = requireModule();
  const { manufacturerID, libraryDescription, libraryVersion } = pkcs11.C_GetInfo();
  return {
    manufacturer: textOf(manufacturerID),
    description: textOf(libraryDescription),
    version: `${libraryVersion.major}.${libraryVersion.minor}`,
    tokens: pkcs11.C_GetSlotList(true).flatMap((slot) => describeToken(pkcs11, slot)),
  };
}

/** With the locks of the system, if the module supports them: its own threads may call it too. */
function initialize(pkcs11: PKCS11): void {
  try {
    pkcs11.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  } catch (error) {
    if (codeOf(error) === CKR_CANT_LOCK) pkcs11.C_Initialize();
    else if (codeOf(error) !== CKR_CRYPTOKI_ALREADY_INITIALIZED) throw error;
  }
}

/** Undefined for a slot whose token was removed meanwhile, or that has none. */
function describeToken(pkcs11: PKCS11, handle: Handle): TokenInfo[] {
  try {
    const slot = pkcs11.C_GetSlotInfo(handle);
    const token = insist(() => pkcs11.C_GetTokenInfo(handle));
    return [
      {
        slot: numberOf(handle),
        slotDescription: textOf(slot.slotDescription),
        slotManufacturer: textOf(slot.manufacturerID),
        label: textOf(token.label),
        manufacturer: textOf(token.manufacturerID),
        model: textOf(token.model),
        serial: textOf(token.serialNumber),
        flags: token.flags,
        mechanisms: pkcs11.C_GetMechanismList(handle),
      },
    ];
  } catch {
    return [];
  }
}

/** Strings are padded with spaces; some modules end them with a zero. */
function textOf(padded: string): string {
  return (padded.split('\0', 1)[0] ?? '').trim();
}

/** Handles are the octets of a CK_ULONG in the byte order of this machine. */
function numberOf(handle: Handle): number {
  return Number(handle.length === 8 ? handle.readBigUInt64LE() : handle.readUInt32LE());
}

function handleOf(pkcs11: PKCS11, slot: number): Handle {
  const found = pkcs11.C_GetSlotList(true).find((handle) => numberOf(handle) === slot);
  if (found === undefined) throw new Error('the token was removed');
  return found;
}

function objects({
  slot,
  login,
}: {
  readonly slot: number;
  readonly login: Login | undefined;
}): TokenObjects {
  return withSession(slot, login, (pkcs11, session) => ({
    certificates: certificatesIn(pkcs11, session),
    keys: keysIn(pkcs11, session),
  }));
}

/**
 * SoftHSM remembers for good that a token has no PIN, if it read the token's file while another process wrote
 * it: the module is started anew.
 */
function withSession<T>(
  slot: number,
  login: Login | undefined,
  use: (pkcs11: PKCS11, session: Handle) => T,
): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return withOneSession(slot, login, use);
    } catch (error) {
      if (codeOf(error) !== CKR_USER_PIN_NOT_INITIALIZED || attempt === MAX_RESTARTS) throw error;
      pause(ATTEMPT_PAUSE_MS);
      requireModule().C_Finalize();
      initialize(requireModule());
    }
  }
}

/** Closing the session logs out if no other session of this process is open. */
function withOneSession<T>(
  slot: number,
  login: Login | undefined,
  use: (pkcs11: PKCS11, session: Handle) => T,
): T {
  const pkcs11 = requireModule();
  const session = insist(() => pkcs11.C_OpenSession(handleOf(pkcs11, slot), CKF_SERIAL_SESSION));
  try {
    if (login !== undefined) logIn(pkcs11, session, CKU_USER, login);
    return use(pkcs11, session);
  } finally {
    pkcs11.C_CloseSession(session);
  }
}

function logIn(pkcs11: PKCS11, session: Handle, user: number, { pin }: Login): void {
  const call = (): void => pkcs11.C_Login(session, user, pin);
  try {
    // Another module might count each attempt as a wrong PIN.
    if (isSoftHsm(pkcs11, session)) insist(call);
    else call();
  } catch (error) {
    if (codeOf(error) !== CKR_USER_ALREADY_LOGGED_IN) throw error;
  }
}

function isSoftHsm(pkcs11: PKCS11, session: Handle): boolean {
  const { slotID } = pkcs11.C_GetSessionInfo(session);
  return insist(() => pkcs11.C_GetTokenInfo(slotID)).manufacturerID.startsWith('SoftHSM');
}

/**
 * Retries a call that another process has disturbed. SoftHSM rewrites the file of a token at each login, and
 * returns CKR_GENERAL_ERROR to a process that reads it meanwhile, without having checked the PIN.
 */
function insist<T>(call: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return call();
    } catch (error) {
      if (codeOf(error) !== CKR_GENERAL_ERROR || attempt === MAX_ATTEMPTS) throw error;
      pause(ATTEMPT_PAUSE_MS * attempt);
    }
  }
}

/** The calls of a module block, and so does this process between them. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function find(pkcs11: PKCS11, session: Handle, template: Attribute[]): Handle[] {
  pkcs11.C_FindObjectsInit(session, template);
  try {
    return pkcs11.C_FindObjects(session, MAX_OBJECTS);
  } finally {
    pkcs11.C_FindObjectsFinal(session);
  }
}

/** Undefined if the object has no such attribute, or does not show it. */
function read(pkcs11: PKCS11, session: Handle, object: Handle, type: number): Buffer | undefined {
  try {
    const [found] = pkcs11.C_GetAttributeValue(session, object, [{ type }]);
    return Buffer.isBuffer(found?.value) ? found.value : undefined;
  } catch {
    return undefined;
  }
}

function certificatesIn(pkcs11: PKCS11, session: Handle): CertificateObject[] {
  const template = [
    { type: CKA_CLASS, value: CKO_CERTIFICATE },
    { type: CKA_CERTIFICATE_TYPE, value: CKC_X_509 },
  ];
  return find(pkcs11, session, template).flatMap((object) => {
    const value = read(pkcs11, session, object, CKA_VALUE);
    return value === undefined ? [] : [{ ...namesOf(pkcs11, session, object), value: base64(value) }];
  });
}

function keysIn(pkcs11: PKCS11, session: Handle): KeyObject[] {
  const publicKeys = find(pkcs11, session, [{ type: CKA_CLASS, value: CKO_PUBLIC_KEY }]).map((object) => ({
    ...namesOf(pkcs11, session, object),
    object,
  }));
  return find(pkcs11, session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }]).flatMap((object) => {
    const type = typeOf(pkcs11, session, object);
    if (type === undefined) return [];
    const names = namesOf(pkcs11, session, object);
    const twins = twinsOf(names, publicKeys).map((twin) => twin.object);
    const shown = (attribute: number): string | undefined => {
      const values = [object, ...twins].map((each) => read(pkcs11, session, each, attribute));
      const value = values.find((found) => found !== undefined && found.length > 0);
      return value && base64(value);
    };
    const always = read(pkcs11, session, object, CKA_ALWAYS_AUTHENTICATE);
    return [
      {
        ...names,
        type,
        isAlwaysAuthenticate: always?.some((octet) => octet !== 0) === true,
        modulus: type === 'RSA' ? shown(CKA_MODULUS) : undefined,
        exponent: type === 'RSA' ? shown(CKA_PUBLIC_EXPONENT) : undefined,
        point: type === 'EC' ? shown(CKA_EC_POINT) : undefined,
        curve: type === 'EC' ? shown(CKA_EC_PARAMS) : undefined,
      },
    ];
  });
}

/**
 * The public keys of a private key: of the same id, where one has the label too that one alone. Without an id
 * the label tells; keys without either are strangers to each other.
 */
function twinsOf<T extends Pick<KeyObject, 'id' | 'label'>>(
  { id, label }: Pick<KeyObject, 'id' | 'label'>,
  publicKeys: readonly T[],
): readonly T[] {
  if (id === '' && label === '') return [];
  const same = publicKeys.filter((twin) => twin.id === id);
  const named = same.filter((twin) => twin.label === label);
  return named.length > 0 || id === '' ? named : same;
}

function typeOf(pkcs11: PKCS11, session: Handle, object: Handle): KeyObject['type'] | undefined {
  const type = read(pkcs11, session, object, CKA_KEY_TYPE);
  if (type === undefined) return undefined;
  const number = numberOf(type);
  return number === CKK_RSA ? 'RSA' : number === CKK_EC ? 'EC' : undefined;
}

function namesOf(pkcs11: PKCS11, session: Handle, object: Handle): Pick<KeyObject, 'id' | 'label'> {
  const [id, label] = [CKA_ID, CKA_LABEL].map((type) => base64(read(pkcs11, session, object, type)));
  return { id: id ?? '', label: label ?? '' };
}

function base64(bytes: Buffer | undefined): string {
  return bytes?.toString('base64') ?? '';
}

function sign({ slot, login, key, mechanism, data, contextLogin }: SignRequest): string {
  return withSession(slot, login, (pkcs11, session) => {
    const object = findKey(pkcs11, session, key);
    pkcs11.C_SignInit(session, { mechanism }, object);
    if (contextLogin !== undefined) logIn(pkcs11, session, CKU_CONTEXT_SPECIFIC, contextLogin);
    const signature = pkcs11.C_Sign(session, Buffer.from(data, 'base64'), Buffer.alloc(MAX_SIGNATURE_BYTES));
    return signature.toString('base64');
  });
}

function findKey(pkcs11: PKCS11, session: Handle, key: SignRequest['key']): Handle {
  const found = find(pkcs11, session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }]).find((object) => {
    const { id, label } = namesOf(pkcs11, session, object);
    return id === key.id && label === key.label && typeOf(pkcs11, session, object) === key.type;
  });
  if (found === undefined) throw new Error('the private key is not on the token any more');
  return found;
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error ? Number(error.code) : undefined;
}

const OPERATIONS: { readonly [Name in keyof Operations]: (argument: never) => unknown } = {
  open,
  tokens,
  objects,
  sign,
};

function describeFailure(error: unknown): Failure {
  if (error instanceof BindingError) return describeBinding(error.cause);
  const message = messageOf(error);
  const ckr = /CKR_[A-Z0-9_]+/.exec(message)?.[0] ?? '';
  const method = error instanceof Error && 'method' in error ? String(error.method) : '';
  return { ckr, message: ckr === '' ? message : method };
}

function describeBinding(error: unknown): Failure {
  const isMissing = error instanceof Error && 'code' in error && /MODULE_NOT_FOUND$/.test(String(error.code));
  const hint = error instanceof Error && 'hint' in error ? String(error.hint) : undefined;
  return { ckr: '', message: messageOf(error), binding: isMissing ? 'missing' : 'broken', hint };
}

async function reply(line: string): Promise<void> {
  const { id, name, argument } = JSON.parse(line) as Request;
  let text: string;
  try {
    text = JSON.stringify({ id, result: await OPERATIONS[name](argument as never) });
  } catch (error) {
    text = JSON.stringify({ id, failure: describeFailure(error) });
  }
  writeSync(REPLIES, `${text}\n`);
}

let last = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(() => reply(line));
});
