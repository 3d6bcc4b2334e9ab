/**
 * CreateSession. In: the request, the trust anchors and profiles that exist. Out: 201 with credentials, or a refusal.
 * The checks, in the order of the code: request, authorization and signed headers, certificates, algorithm, scope,
 * clock, serial number, signature, trust anchor, leaf, path, profile, role, session name, source identity. That the
 * signature comes before trust is known; the order of the rest is not.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html and
 * …/authentication-sign-process.html. The texts `Invalid signature`, `Untrusted signing certificate`, `Untrusted
 * certificate. Insufficient certificate`, `Unable to assume role for …`, `Not authorized to set roleSessionName.` and
 * `1 validation error detected: …` are AWS's. Where a refusal's wording is unknown, the nearest of them stands in.
 */
import { createHash } from 'node:crypto';
import type { Account } from '../emulator-account/resources.js';
import type { Certificate } from '../emulator-pki/certificate.js';
import { parseCertificate } from '../emulator-pki/certificate.js';
import { COMMON_NAME, valuesOf } from '../emulator-pki/names.js';
import { checkLeaf, checkPath, parseTrustAnchor } from '../emulator-pki/trust.js';
import type { Answer, EmulatorRequest, Operation } from '../emulator-wire/handler.js';
import { formatJsonRefusal, Refusal } from '../emulator-wire/handler.js';
import type { SignedRequest } from '../emulator-wire/signature.js';
import {
  checkScope,
  checkX509Algorithm,
  checkX509Signature,
  readHeader,
  readSignedRequest,
} from '../emulator-wire/signature.js';
import type { CredentialStore, IssuedCredentials } from './credential-store.js';
import type { SessionRequest } from './session-request.js';
import { readSessionRequest } from './session-request.js';

export interface SessionService {
  readonly account: Account;
  readonly credentials: CredentialStore;
}

const MAX_CHAIN = 5;

const deny = (message: string) => (reason: string) =>
  new Refusal(403, 'AccessDeniedException', message, reason);
const invalidSignature = deny('Invalid signature');
const untrusted = deny('Untrusted signing certificate');
/** The wording for an expired leaf, v1, SHA-1 or an empty subject is unknown; known for keyUsage and CA:TRUE. */
const insufficient = deny('Untrusted certificate. Insufficient certificate');

/** Type and status of the refusal are documented, its wording is unknown. */
function find<Name extends string, T extends Record<Name, string>>(
  all: ReadonlyMap<string, T>,
  name: Name,
  arn: string,
  what: string,
): T {
  const found = [...all.values()].find((one) => one[name] === arn);
  if (found !== undefined) return found;
  const known = [...all.values()].map((one) => one[name]);
  const reason = `${what}: expected ${known}, found ${arn}`;
  throw new Refusal(404, 'ResourceNotFoundException', `${what} not found`, reason);
}

export function createSessionOperation({ account, credentials }: SessionService): Operation {
  return {
    routes: ['POST /sessions'],
    formatRefusal: formatJsonRefusal,
    perform(request, at) {
      const asked = readSessionRequest(request);
      const { leaf, chain } = authenticate(request, account.region, at);
      const anchor = find(account.trustAnchors, 'trustAnchorArn', asked.trustAnchorArn, 'Trust anchor');
      must(checkLeaf(leaf, at), insufficient);
      const anchors = parseTrustAnchor(anchor.source.sourceData.x509CertificateData ?? '');
      must(checkPath(leaf, { chain, anchors, revocationLists: [] }, at), untrusted);
      const profile = find(account.profiles, 'profileArn', asked.profileArn, 'Profile');
      const unable = deny(`Unable to assume role for ${asked.roleArn}`);
      if (!profile.roleArns.includes(asked.roleArn)) {
        throw unable(`role: the profile has ${profile.roleArns}, found ${asked.roleArn}`);
      }
      if (asked.roleSessionName !== undefined && !profile.acceptRoleSessionName) {
        const reason = `session name: the profile does not accept roleSessionName, found ${asked.roleSessionName}`;
        throw deny('Not authorized to set roleSessionName.')(reason);
      }
      const sourceIdentity = formatSourceIdentity(leaf);
      if (sourceIdentity.length > 64) {
        throw unable(
          `source identity: STS takes 64 characters, the common name has ${sourceIdentity.length}`,
        );
      }
      const names = { roleArn: asked.roleArn, sessionName: asked.roleSessionName ?? formatSerial(leaf) };
      const seconds = Math.min(profile.durationSeconds, asked.durationSeconds ?? profile.durationSeconds);
      const issued = credentials.issue(names, seconds, at);
      return formatSession(issued, asked, sourceIdentity, leaf);
    },
  };
}

function must(problem: string | undefined, refuse: (reason: string) => Refusal): void {
  if (problem !== undefined) throw refuse(problem);
}

/** That the holder of the certificate's key made this request, now, for this region. Whom we trust comes later. */
function authenticate(request: EmulatorRequest, region: string, at: Date) {
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
  must(checkX509Signature(signed, leaf.publicKey), invalidSignature);
  return { leaf, chain };
}

function readChain(header: string | undefined): Certificate[] {
  if (header === undefined) return [];
  if (header.trim() === '') throw invalidSignature('chain: x-amz-x509-chain is empty, omit it instead');
  const parts = header.split(',');
  // The limit is documented, the answer beyond it is unknown.
  if (parts.length > MAX_CHAIN) throw untrusted(`chain: at most ${MAX_CHAIN} allowed, found ${parts.length}`);
  return parts.map((part) => readCertificate(part, 'x-amz-x509-chain'));
}

function readCertificate(base64: string, header: string): Certificate {
  const der = Buffer.from(base64, 'base64');
  // Node's decoder skips what it does not know; encoding again finds line breaks, other alphabets, missing padding.
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
  return `serial number: expected ${expected} in Credential, found ${signed.keyId}${isHex ? ', which is hexadecimal' : ''}`;
}

/** Lower-case hexadecimal, whole octets. */
function formatSerial({ serialNumber }: Certificate): string {
  const hex = serialNumber.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

/** What CloudTrail shows; STS limits it to 64 characters, so a long common name stands without its prefix. */
function formatSourceIdentity(leaf: Certificate): string {
  const [commonName] = valuesOf(leaf.subject, COMMON_NAME);
  if (commonName === undefined) return `ID=${formatSerial(leaf)}`;
  return commonName.length <= 61 ? `CN=${commonName}` : commonName;
}

function formatSession(
  issued: IssuedCredentials,
  { roleArn, trustAnchorArn }: SessionRequest,
  sourceIdentity: string,
  leaf: Certificate,
): Answer {
  const { accessKeyId, secretAccessKey, sessionToken, assumedRoleArn, assumedRoleId } = issued;
  const expiration = issued.expiration.toISOString().replace('.000Z', 'Z');
  const credentialSet = {
    assumedRoleUser: { arn: assumedRoleArn, assumedRoleId },
    credentials: { accessKeyId, expiration, secretAccessKey, sessionToken },
    // The share of the room for session tags that is taken, in percent; clients ignore it, and so do we.
    packedPolicySize: 46,
    roleArn,
    sourceIdentity,
  };
  // The service keeps one subject for each distinguished name.
  const hash = createHash('sha256').update(leaf.subject.text).digest('hex');
  const id = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const subjectArn = trustAnchorArn.replace(/:trust-anchor\/.*$/, `:subject/${id}`);
  return {
    status: 201,
    contentType: 'application/json',
    body: JSON.stringify({ credentialSet: [credentialSet], subjectArn }),
    note: `${assumedRoleArn} until ${expiration}`,
  };
}
