/**
 * Certificate requests: made for a key, and read before an authority signs them.
 *
 * Rules: PKCS#10 (RFC 2986)
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { IdentityError } from '../errors.js';
import { buildName, buildNames, formatPem } from './certificate.js';
import type { KeyPair } from './keys.js';
import { exportPrivateKey, generateKeyPair, importKeyPair, typeOf } from './keys.js';
import type { AlternativeNames, RequestOptions } from './options.js';
import { REQUEST_RULES, readWithName } from './options.js';
import { loadX509 } from './x509.js';

type X509 = Awaited<ReturnType<typeof loadX509>>;

export interface CertificateRequest {
  /** PEM, `CERTIFICATE REQUEST`. */
  readonly request: string;
  /** PKCS#8 PEM, not encrypted; undefined if the caller gave the key. */
  readonly privateKey: string | undefined;
}

/** What an authority takes from a request. */
export interface RequestContent extends AlternativeNames {
  readonly subject: InstanceType<X509['Name']>;
  readonly publicKey: CryptoKey;
}

type CryptoKey = KeyPair['publicKey'];

/**
 * Makes a certificate request, and a key for it unless the caller has one.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_MISSING`
 * @throws IdentityError `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`: `privateKey`
 * @example
 * const { request, privateKey } = await createRequest({ commonName: 'host-1' });
 */
export async function createRequest(options: RequestOptions): Promise<CertificateRequest> {
  const { privateKey: pem, keyType = 'EC-P256', ...asked } = readWithName(options, REQUEST_RULES);
  const x509 = await loadX509();
  const keys = pem === undefined ? await generateKeyPair(keyType) : await readKeyPair(pem);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: await buildName(asked),
    keys,
    signingAlgorithm: keys.signing,
    extensions: await buildNames(asked),
  });
  return {
    request: formatPem('CERTIFICATE REQUEST', request.rawData),
    privateKey: pem === undefined ? exportPrivateKey(keys) : undefined,
  };
}

/**
 * The key pair of a private key.
 *
 * @throws IdentityError `ERR_KEY_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export async function readKeyPair(pem: string): Promise<KeyPair> {
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(pem);
  } catch {
    // OpenSSL's error may quote the text.
    throw new IdentityError('ERR_KEY_INVALID', 'the private key is not an unencrypted PEM key');
  }
  return await importKeyPair(key);
}

/**
 * Reads a request and verifies its signature, which proves that the sender has the private key.
 *
 * Of its extensions only the host names, addresses and URIs of subjectAltName count: an authority never takes rights
 * from a request.
 *
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_KEY_UNSUPPORTED`
 */
export async function readRequest(pem: string): Promise<RequestContent> {
  const x509 = await loadX509();
  const [, base64] =
    /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]*)-----END /.exec(pem) ?? [];
  if (base64 === undefined) {
    throw new IdentityError(
      'ERR_PEM_INVALID',
      'the request must be PEM text with a CERTIFICATE REQUEST block',
    );
  }
  let request: InstanceType<X509['Pkcs10CertificateRequest']>;
  try {
    request = new x509.Pkcs10CertificateRequest(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw new IdentityError('ERR_CERTIFICATE_INVALID', 'the certificate request cannot be read', { cause });
  }
  typeOf(createPublicKey({ key: Buffer.from(request.publicKey.rawData), type: 'spki', format: 'der' }));
  if (!(await request.verify().catch(() => false))) {
    const message = 'the signature of the certificate request does not verify: its key did not sign it';
    throw new IdentityError('ERR_CERTIFICATE_INVALID', message);
  }
  return {
    subject: request.subjectName,
    publicKey: await request.publicKey.export(),
    ...readNames(x509, request),
  };
}

function readNames(x509: X509, request: InstanceType<X509['Pkcs10CertificateRequest']>): AlternativeNames {
  const extension = request.extensions.find((one) => one instanceof x509.SubjectAlternativeNameExtension);
  const names = extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : [];
  const of = (...types: string[]) =>
    names.filter(({ type }) => types.includes(type)).map(({ value }) => value);
  return { hosts: of('dns', 'ip'), uris: of('url') };
}
