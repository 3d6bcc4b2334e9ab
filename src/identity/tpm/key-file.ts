/**
 * Parses `TSS2 PRIVATE KEY` files: a key that only one TPM can load, as tpm2-openssl, tpm2-tools
 * (`tpm2_encodeobject`) and the OpenSSL engines for TPM 2.0 write it.
 *
 * Source: "ASN.1 Specification for TPM 2.0 Key Files" (draft-bottomley-tpm2-keys): TPMKey.
 */
import { IdentityError } from '../../errors.js';
import type { Element } from '../../measure/der.js';
import {
  OCTET_STRING,
  readChildren,
  readContent,
  readElement,
  readOid,
  SEQUENCE,
} from '../../measure/der.js';
import { TpmFormatError, TpmReader } from './codec.js';
import type { PublicArea } from './public-area.js';
import { parsePublicArea } from './public-area.js';

/** One command of a policy, with its parameters. */
export interface PolicyStep {
  readonly name: 'PolicyPCR' | 'PolicyAuthValue';
  readonly parameters: Buffer;
}

export interface TpmKeyFile {
  /** The file says that the key has no password. */
  readonly hasEmptyAuth: boolean;
  readonly policy: readonly PolicyStep[] | undefined;
  /** A persistent handle, or a hierarchy whose storage primary is the parent. */
  readonly parent: number;
  readonly isParentRsa: boolean;
  readonly publicArea: PublicArea;
  /** TPMT_PUBLIC and TPM2B_PRIVATE's content, as TPM2_Load takes them. */
  readonly publicBytes: Buffer;
  readonly privateBytes: Buffer;
}

export const RH_OWNER = 0x40000001;
const HIERARCHIES: readonly number[] = [RH_OWNER, 0x40000007, 0x4000000b, 0x4000000c];

const LOADABLE_KEY = '2.23.133.10.1.3';
const OTHER_TYPES: Readonly<Record<string, string>> = {
  '2.23.133.10.1.4': 'an importable key, which must be imported into the TPM first (tpm2_import)',
  '2.23.133.10.1.5': 'sealed data',
};

const POLICY_COMMANDS: Readonly<Record<number, PolicyStep['name']>> = {
  383: 'PolicyPCR',
  363: 'PolicyAuthValue',
};

/** Commands of policies that are not supported, for the message. */
const OTHER_POLICIES: Readonly<Record<number, string>> = {
  329: 'PolicyNV',
  337: 'PolicySecret',
  352: 'PolicySigned',
  362: 'PolicyAuthorize',
  364: 'PolicyCommandCode',
  365: 'PolicyCounterTimer',
  366: 'PolicyCpHash',
  367: 'PolicyLocality',
  368: 'PolicyNameHash',
  369: 'PolicyOR',
  396: 'PolicyPassword',
};

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const CONTEXT = 0xa0;

/**
 * @param subject how messages name the file, such as `private key host.tss`
 * @throws IdentityError `ERR_KEY_INVALID`: damaged; `ERR_KEY_UNSUPPORTED`: of a kind or policy that is not
 *   supported
 */
export function parseTpmKeyFile(der: Buffer, subject: string): TpmKeyFile {
  try {
    return parseFields(der, subject);
  } catch (error) {
    if (error instanceof IdentityError) throw error;
    const reason = error instanceof TpmFormatError ? `: ${error.message}` : '';
    throw new IdentityError('ERR_KEY_INVALID', `${subject} is a damaged TSS2 PRIVATE KEY${reason}`);
  }
}

function parseFields(der: Buffer, subject: string): TpmKeyFile {
  const whole = readElement(der);
  if (whole.whole.length !== der.length) throw new TpmFormatError('octets after the structure');
  const [type, ...fields] = readChildren(whole, SEQUENCE);
  assertLoadable(readOid(type), subject);
  const optional = new Map(
    fields
      .filter(({ tag }) => tag >= CONTEXT)
      .map((field) => [field.tag - CONTEXT, readElement(field.content)]),
  );
  const [parent, publicKey, privateKey, ...more] = fields.filter(({ tag }) => tag < CONTEXT);
  if (more.length > 0) throw new TpmFormatError('fields after the private area');
  if (optional.has(2) || optional.has(3)) {
    const what = optional.has(2) ? 'the secret of an importable key' : 'alternative policies (authPolicy)';
    throw unsupported(subject, `it has ${what}`);
  }
  const publicBytes = unwrap(publicKey);
  return {
    hasEmptyAuth: readFlag(optional.get(0)),
    policy: readPolicy(optional.get(1), subject),
    parent: assertParent(readHandle(parent), subject),
    isParentRsa: readFlag(optional.get(5)),
    publicArea: parsePublicArea(publicBytes),
    publicBytes,
    privateBytes: unwrap(privateKey),
  };
}

function assertLoadable(oid: string, subject: string): void {
  if (oid !== LOADABLE_KEY) throw unsupported(subject, `it is ${OTHER_TYPES[oid] ?? `of type ${oid}`}`);
}

/** Old engines wrote 01 for true, where DER requires FF. */
function readFlag(element: Element | undefined): boolean {
  if (element === undefined) return false;
  const [value, ...rest] = readContent(element, BOOLEAN);
  if (value === undefined || rest.length > 0) throw new TpmFormatError('a BOOLEAN of one octet expected');
  return value !== 0;
}

/** A handle has 32 bits: some writers take its first bit for a sign. */
function readHandle(element: Element | undefined): number {
  const octets = readContent(element, INTEGER);
  const significant = octets[0] === 0 ? octets.subarray(1) : octets;
  if (octets.length === 0 || significant.length > 4)
    throw new TpmFormatError('a parent handle of 32 bits expected');
  return significant.length === 0 ? 0 : significant.readUIntBE(0, significant.length);
}

function assertParent(handle: number, subject: string): number {
  // The first engines wrote 0 for the owner's hierarchy.
  if (handle === 0) return RH_OWNER;
  if (HIERARCHIES.includes(handle) || handle >>> 24 === 0x81) return handle;
  throw new IdentityError(
    'ERR_KEY_UNSUPPORTED',
    `${subject} must have a persistent handle or a hierarchy as its parent, found 0x${handle.toString(16)}`,
    { hint: 'make the parent persistent (tpm2_evictcontrol), and encode the key with that handle' },
  );
}

function readPolicy(element: Element | undefined, subject: string): PolicyStep[] | undefined {
  return element && readChildren(element, SEQUENCE).map((step) => readPolicyStep(step, subject));
}

function readPolicyStep(step: Element, subject: string): PolicyStep {
  const [code, parameters] = readChildren(step, SEQUENCE).map(({ content }) => readElement(content));
  const command = readHandle(code);
  const name = POLICY_COMMANDS[command];
  if (name !== undefined) return { name, parameters: readContent(parameters, OCTET_STRING) };
  throw unsupported(
    subject,
    `its policy has ${OTHER_POLICIES[command] ?? `command 0x${command.toString(16)}`}`,
  );
}

/** The content of a TPM2B inside an OCTET STRING. */
function unwrap(element: Element | undefined): Buffer {
  const reader = new TpmReader(readContent(element, OCTET_STRING));
  const content = reader.sized();
  reader.end();
  return content;
}

function unsupported(subject: string, reason: string): IdentityError {
  return new IdentityError('ERR_KEY_UNSUPPORTED', `${subject} cannot be used: ${reason}`, {
    hint: 'supported are loadable keys (2.23.133.10.1.3), plain or with PolicyPCR and PolicyAuthValue',
  });
}
