/**
 * Authenticates a CreateSession request: proves that the holder of the certificate's key made it, now, for
 * this region. Whether the account trusts the certificate is checked later.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
 */
import type { Certificate } from '../pki/certificate.js';
import { parseCertificate } from '../pki/certificate.js';
import { loadMlDsa } from '../pki/public-key.js';
import type { EmulatorRequest, Refuse } from '../wire/handler.js';
import { refuseWith } from '../wire/handler.js';
import type { SignedRequest } from '../wire/signature.js';
import { checkScope, readHeader, readSignedRequest } from '../wire/signature.js';
import { checkX509Algorithm, checkX509Signature } from './x509-signature.js';

export interface Requester {
  readonly leaf: Certificate;
  readonly chain: readonly Certificate[];
}

const MAX_CHAIN = 5;

const invalidSignature = refuseWith(403, 'AccessDeniedException', 'Invalid signature');
export const untrusted = refuseWith(403, 'AccessDeniedException', 'Untrusted signing certificate');

/** Throws a refusal if a check found a problem. */
export function must(problem: string | undefined, refuse: Refuse): void {
  if (problem !== undefined) throw refuse(problem);
}

/** Checks 2 to 8 of CreateSession. */
export function authenticate(request: EmulatorRequest, region: string, at: Date): Requester {
  const leafHeader = readHeader(request, 'x-amz-x509', invalidSignature);
  const chainHeader = readHeader(request, 'x-amz-x509-chain', invalidSignature);
  const mustSign = ['host', 'x-amz-date', 'x-amz-x509'];
  if (chainHeader !== undefined) mustSign.push('x-amz-x509-chain');
  const signed = readSignedRequest(request, mustSign, invalidSignature);
  const leaf = readCertificate(leafHeader ?? '', 'x-amz-x509');
  const chain = readChain(chainHeader);
  must(checkX509Algorithm(signed, leaf.publicKey), invalidSignature);
  must(checkScope(signed, region, 'rolesanywhere', at), invalidSignature);
  must(checkSerial(signed, leaf), invalidSignature);
  const mismatch = checkX509Signature(request, signed, leaf.publicKey);
  if (mismatch !== undefined) throw invalidSignature('signature: does not verify', mismatch);
  return { leaf, chain };
}

/** Loads the packages that the synchronous checks need. */
export async function prepare({ headers }: EmulatorRequest): Promise<void> {
  const sent = headers
    .filter(([name]) => name.startsWith('x-amz-x509'))
    .flatMap(([, value]) => value.split(','));
  await loadMlDsa(sent.map((base64) => Buffer.from(base64, 'base64')));
}

function readChain(header: string | undefined): Certificate[] {
  if (header === undefined) return [];
  if (header.trim() === '') throw invalidSignature('chain: x-amz-x509-chain is empty, omit it instead');
  const parts = header.split(',');
  // The limit is documented, the error is not.
  if (parts.length > MAX_CHAIN) throw untrusted(`chain: at most ${MAX_CHAIN} allowed, found ${parts.length}`);
  return parts.map((part) => readCertificate(part, 'x-amz-x509-chain'));
}

function readCertificate(base64: string, header: string): Certificate {
  const der = Buffer.from(base64, 'base64');
  // Node's decoder skips unknown characters. Encoding again finds line breaks, other alphabets, missing
  // padding.
  if (base64 === '' || der.toString('base64') !== base64) {
    throw invalidSignature(`${header}: expected padded standard base64 of DER without white space`);
  }
  try {
    return parseCertificate(der);
  } catch (error) {
    throw invalidSignature(`${header}: ${error instanceof Error ? error.message : 'not a certificate'}`);
  }
}

function checkSerial(signed: SignedRequest, leaf: Certificate): string | undefined {
  const expected = leaf.serialNumber.toString();
  if (signed.keyId === expected) return undefined;
  const isHex = signed.keyId.toLowerCase().replace(/^0+/, '') === leaf.serialNumber.toString(16);
  const remark = isHex ? ', which is hexadecimal' : '';
  return `serial number: expected ${expected} in Credential, found ${signed.keyId}${remark}`;
}
