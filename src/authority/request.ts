/**
 * Makes certificate requests.
 *
 * Rules: PKCS#10 (RFC 2986)
 */
import { buildName, buildNames, formatPem } from './certificate.js';
import { exportPrivateKey, generateKeyPair, readKeyPair } from './keys.js';
import type { RequestOptions } from './options.js';
import { REQUEST_RULES, readWithName } from './options.js';
import { loadX509 } from './x509.js';

export interface CertificateRequest {
  /** PEM, `CERTIFICATE REQUEST`. */
  readonly request: string;
  /** PKCS#8 PEM, not encrypted; undefined if the caller gave the key. */
  readonly privateKey: string | undefined;
}

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
