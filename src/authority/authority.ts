/**
 * A private certificate authority: issues end-entity and intermediate certificates, signs certificate
 * requests, and makes revocation lists. It keeps no record: the caller stores what must be found again.
 */
import { KeyObject, X509Certificate } from 'node:crypto';
import { IdentityError, OptionError } from '../errors.js';
import { readOptions } from '../options/read-options.js';
import type { CertificateContent, Issuer } from './certificate.js';
import { buildCertificate, buildName } from './certificate.js';
import { exportPrivateKey, generateKeyPair, readKeyPair } from './keys.js';
import type {
  AuthorityOptions,
  IntermediateOptions,
  IssueOptions,
  RevocationListOptions,
  SignOptions,
  ValidityOptions,
} from './options.js';
import {
  AUTHORITY_RULES,
  INTERMEDIATE_RULES,
  ISSUE_RULES,
  REVOCATION_LIST_RULES,
  readWithName,
  SIGN_RULES,
} from './options.js';
import { readRequest } from './read-request.js';
import { buildRevocationList } from './revocation-list.js';
import { assertSize, loadX509 } from './x509.js';

export interface IssuedCertificate {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8 PEM, not encrypted. */
  readonly privateKey: string;
}

export interface Authority {
  /** The authority's own certificate, PEM: the content of a trust anchor. */
  readonly certificate: string;
  /**
   * Makes a key and an end-entity certificate for it: v3, CA:FALSE, digitalSignature.
   *
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING`
   */
  issue(options: IssueOptions): Promise<IssuedCertificate>;
  /**
   * Makes a key and the certificate of an intermediate authority for it: CA:TRUE, keyCertSign, cRLSign.
   *
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING`; `ERR_OPTION_CONFLICT`:
   *   this authority's own path length does not allow it
   */
  issueIntermediate(options: IntermediateOptions): Promise<IssuedCertificate>;
  /**
   * Makes an end-entity certificate for a certificate request, PEM. Subject and names are those of the request
   * unless the options give others; every other extension of the request is ignored.
   *
   * @returns PEM
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_CONFLICT`
   * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_CERTIFICATE_SUBJECT`
   *   `ERR_KEY_UNSUPPORTED`
   */
  sign(request: string, options?: SignOptions): Promise<string>;
  /**
   * Makes a revocation list of all certificates that are revoked now.
   *
   * @returns PEM, `X509 CRL`
   * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING`
   */
  issueRevocationList(options: RevocationListOptions): Promise<string>;
}

/** An authority's certificate and its private key, both PEM. */
export interface AuthoritySource {
  readonly certificate: string;
  /** Not encrypted. */
  readonly privateKey: string;
  /** The clock that validity is counted from. Default: the system clock. */
  readonly now?: (() => Date) | undefined;
}

/** Tolerates verifiers whose clock is behind. */
const BACKDATED_MS = 300_000;
const DAY_MS = 86_400_000;

/**
 * Makes an authority whose key lives in memory only, for tests and demonstrations.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 * @example
 * const authority = await createAuthority();
 * const { certificate, privateKey } = await authority.issue({ commonName: 'host-1' });
 */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  return await openAuthority({ ...(await createRoot(options)), now: options.now });
}

/**
 * Makes the key and the self-signed certificate of a root authority, to be stored by the caller.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 */
export async function createRoot(options: AuthorityOptions = {}): Promise<IssuedCertificate> {
  const given = readOptions(options, AUTHORITY_RULES);
  const {
    commonName = 'Emulator CA',
    subject,
    keyType = 'EC-P256',
    days = 365,
    now = () => new Date(),
  } = given;
  const keys = await generateKeyPair(keyType);
  const name = await buildName({ commonName, subject });
  const content = {
    subject: name,
    publicKey: keys.publicKey,
    ...validityOf({ days }, 365, now),
    authority: { pathLength: undefined },
  };
  const certificate = await buildCertificate(content, { name, keyId: undefined, keys });
  return { certificate, privateKey: exportPrivateKey(keys) };
}

/**
 * Opens an authority from its certificate and private key, for example an intermediate.
 *
 * @throws IdentityError `ERR_CERTIFICATE_INVALID` `ERR_CHAIN_NOT_CA` `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
 *   `ERR_KEY_MISMATCH`
 */
export async function openAuthority(source: AuthoritySource): Promise<Authority> {
  const { certificate, privateKey, now = () => new Date() } = source;
  const issuer = await openIssuer(certificate, privateKey);
  const build = (content: CertificateContent) => buildCertificate(content, issuer);
  return {
    certificate,
    async issue(options) {
      const { keyType = 'EC-P256', ...asked } = readWithName(options, ISSUE_RULES);
      const keys = await generateKeyPair(keyType);
      const content = { subject: await buildName(asked), publicKey: keys.publicKey, authority: undefined };
      const names = { hosts: asked.hosts, uris: asked.uris };
      const made = await build({ ...content, ...names, ...validityOf(asked, 30, now) });
      return { certificate: made, privateKey: exportPrivateKey(keys) };
    },
    async issueIntermediate(options) {
      const { keyType = 'EC-P256', pathLength = 0, ...asked } = readWithName(options, INTERMEDIATE_RULES);
      assertPathLength(issuer, pathLength);
      const keys = await generateKeyPair(keyType);
      const content = {
        subject: await buildName(asked),
        publicKey: keys.publicKey,
        authority: { pathLength },
      };
      const made = await build({ ...content, ...validityOf(asked, 365, now) });
      return { certificate: made, privateKey: exportPrivateKey(keys) };
    },
    async sign(request, options = {}) {
      const asked = readOptions(options, SIGN_RULES);
      const { subject, publicKey, hosts, uris } = await readRequest(request);
      return await build({
        subject: await chooseSubject(subject, asked),
        publicKey,
        hosts: asked.hosts ?? hosts,
        uris: asked.uris ?? uris,
        authority: undefined,
        ...validityOf(asked, 30, now),
      });
    },
    async issueRevocationList(options) {
      const asked = readOptions(options, REVOCATION_LIST_RULES);
      if (asked.revocations === undefined) {
        throw new OptionError('ERR_OPTION_MISSING', 'missing revocations');
      }
      return await buildRevocationList(asked, issuer, now());
    },
  };
}

async function openIssuer(certificate: string, privateKey: string): Promise<Issuer> {
  const x509 = await loadX509();
  let parsed: InstanceType<typeof x509.X509Certificate>;
  try {
    const { raw } = new X509Certificate(certificate);
    assertSize(raw, "the authority's certificate");
    parsed = new x509.X509Certificate(raw);
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause;
    throw new IdentityError('ERR_CERTIFICATE_INVALID', "the authority's certificate cannot be read", {
      cause,
    });
  }
  const keys = await readKeyPair(privateKey);
  const own = new X509Certificate(certificate);
  if (!own.ca) {
    throw new IdentityError('ERR_CHAIN_NOT_CA', `${own.subject} cannot issue certificates: it lacks CA:TRUE`);
  }
  if (!own.checkPrivateKey(KeyObject.from(keys.privateKey))) {
    const message = `the private key does not belong to the authority's certificate (${own.subject})`;
    throw new IdentityError('ERR_KEY_MISMATCH', message);
  }
  const keyId = parsed.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  const pathLength = parsed.getExtension(x509.BasicConstraintsExtension)?.pathLength;
  return { name: parsed.subjectName, keyId, keys, pathLength };
}

/** RFC 5280 section 4.2.1.9: verifiers refuse more intermediates than an authority above them allows. */
function assertPathLength({ name, pathLength: allowed }: Issuer, asked: number): void {
  if (allowed === undefined || asked < allowed) return;
  const found = `its own path length is ${allowed}, that of the intermediate would be ${asked}`;
  throw new OptionError('ERR_OPTION_CONFLICT', `${name} cannot issue this intermediate authority: ${found}`, {
    hint: 'an intermediate authority needs a smaller path length than its issuer',
  });
}

/** The subject of the request, unless the options name another. Roles Anywhere refuses an empty subject. */
async function chooseSubject(
  requested: CertificateContent['subject'],
  { commonName, subject }: SignOptions,
): Promise<CertificateContent['subject']> {
  if (commonName !== undefined) return await buildName({ commonName, subject });
  if (subject !== undefined) {
    throw new OptionError(
      'ERR_OPTION_CONFLICT',
      'subject needs a commonName: both replace those of the request',
    );
  }
  if (requested.toString() !== '') return requested;
  const hint = 'give commonName';
  throw new IdentityError('ERR_CERTIFICATE_SUBJECT', 'the certificate request has an empty subject', {
    hint,
  });
}

function validityOf({ notBefore, days }: ValidityOptions, defaultDays: number, now: () => Date) {
  const begin = notBefore ?? new Date(now().getTime() - BACKDATED_MS);
  return { notBefore: begin, notAfter: new Date(begin.getTime() + (days ?? defaultDays) * DAY_MS) };
}
