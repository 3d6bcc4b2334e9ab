/**
 * Builds X.509 certificates that Roles Anywhere accepts by construction: v3, a non-empty subject, SHA-256 or
 * stronger, CA:FALSE and digitalSignature for end entities, CA:TRUE and keyCertSign for authorities.
 *
 * Rules: RFC 5280 section 4, and
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html#signature-verification
 */
import { webcrypto } from 'node:crypto';
import type { KeyPair } from './keys.js';
import type { AlternativeNames, SubjectAttributes, SubjectOptions } from './options.js';
import { loadX509 } from './x509.js';

type X509 = Awaited<ReturnType<typeof loadX509>>;
type Name = InstanceType<X509['Name']>;
type Extension = InstanceType<X509['Extension']>;

/** The authority that signs: its name and key identifier as its certificate has them. */
export interface Issuer {
  readonly name: Name;
  /** subjectKeyIdentifier, hexadecimal; undefined if the certificate has none. */
  readonly keyId: string | undefined;
  /** Of basicConstraints: how many intermediates may follow; undefined for no limit. */
  readonly pathLength?: number | undefined;
  readonly keys: KeyPair;
}

export interface CertificateContent extends AlternativeNames {
  readonly subject: Name;
  readonly publicKey: webcrypto.CryptoKey;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Undefined for an end entity; `pathLength` undefined for no limit. */
  readonly authority: { readonly pathLength: number | undefined } | undefined;
}

export async function buildCertificate(content: CertificateContent, issuer: Issuer): Promise<string> {
  const x509 = await loadX509();
  const { subject, publicKey, notBefore, notAfter, authority } = content;
  const usage =
    authority === undefined
      ? x509.KeyUsageFlags.digitalSignature
      : x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: createSerialNumber(),
    subject,
    issuer: issuer.name,
    notBefore,
    notAfter,
    publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: issuer.keys.signing,
    extensions: [
      new x509.BasicConstraintsExtension(authority !== undefined, authority?.pathLength, true),
      new x509.KeyUsagesExtension(usage, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await authorityKeyIdentifier(issuer),
      ...(await buildNames(content)),
      ...((content.hosts ?? []).length === 0 ? [] : [await buildTlsUsage()]),
    ],
  });
  return formatPem('CERTIFICATE', certificate.rawData);
}

export async function authorityKeyIdentifier({ keyId, keys }: Issuer): Promise<Extension> {
  const { AuthorityKeyIdentifierExtension } = await loadX509();
  return keyId === undefined
    ? await AuthorityKeyIdentifierExtension.create(keys.publicKey)
    : new AuthorityKeyIdentifierExtension(keyId);
}

/** The subjectAltName extension, if there are names. */
export async function buildNames({ hosts = [], uris = [] }: AlternativeNames): Promise<Extension[]> {
  if (hosts.length + uris.length === 0) return [];
  const { SubjectAlternativeNameExtension } = await loadX509();
  return [
    new SubjectAlternativeNameExtension([
      ...hosts.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value }) as const),
      ...uris.map((value) => ({ type: 'url', value }) as const),
    ]),
  ];
}

async function buildTlsUsage(): Promise<Extension> {
  const { ExtendedKeyUsage, ExtendedKeyUsageExtension } = await loadX509();
  return new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]);
}

const ORDER = ['C', 'ST', 'L', 'O', 'OU'] as const satisfies ReadonlyArray<keyof SubjectAttributes>;

/**
 * From the country to the common name. Texts are UTF8String, the country is PrintableString (RFC 5280 appendix
 * A).
 */
export async function buildName({ commonName, subject = {} }: SubjectOptions): Promise<Name> {
  const x509 = await loadX509();
  const attributes = ORDER.flatMap((name) => {
    const text = subject[name];
    return text === undefined
      ? []
      : [{ [name]: [name === 'C' ? { printableString: text } : { utf8String: text }] }];
  });
  return new x509.Name([...attributes, { CN: [{ utf8String: commonName }] }]);
}

/** RFC 7468: lines of 64 characters. `@peculiar/x509` labels lists `CRL`, which OpenSSL does not read. */
export function formatPem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

/** Seventeen octets: positive, without a leading zero, and with more than 128 random bits. */
function createSerialNumber(): string {
  const octets = Buffer.from(webcrypto.getRandomValues(new Uint8Array(17)));
  octets[0] = 0x40 | ((octets[0] ?? 0) & 0x3f);
  return octets.toString('hex');
}
