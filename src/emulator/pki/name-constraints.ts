/**
 * Checks the names of a certificate against the name constraints of an authority above it.
 *
 * The common name is not treated as a host name: OpenSSL does so, the RFC does not. Whether AWS applies the
 * constraints of the trust anchor itself is unknown; the emulator does.
 * Rules: RFC 5280 sections 4.2.1.10 and 6.1.3 (b, c)
 */
import type { Certificate, NameConstraints } from './certificate.js';
import type { DistinguishedName, GeneralName } from './names.js';
import { EMAIL_ADDRESS, formatGeneralName, valuesOf } from './names.js';

/** The reason why a name in subject or subjectAltName is not allowed; undefined if all are. */
export function checkNames(certificate: Certificate, constraints: NameConstraints): string | undefined {
  for (const name of namesOf(certificate)) {
    const isSame = (base: GeneralName) => isSameForm(base, name);
    const permitted = constraints.permitted.filter(isSame);
    const excluded = constraints.excluded.filter(isSame);
    const found = formatGeneralName(name);
    const bases = (list: readonly GeneralName[]) => list.map(formatGeneralName).join(' | ');
    // Refuse forms that cannot be compared, and names without a part to compare (sections 6.1.3 and 4.2.1.10).
    if (permitted.length + excluded.length > 0 && !isComparable(name)) {
      return `name constraints: ${found} cannot be compared with ${bases([...permitted, ...excluded])}`;
    }
    if (permitted.length > 0 && !permitted.some((base) => isWithin(name, base))) {
      return `name constraints: ${found} is not within the permitted ${bases(permitted)}`;
    }
    if (excluded.some((base) => isWithin(name, base))) {
      return `name constraints: ${found} is within the excluded ${bases(excluded)}`;
    }
  }
  return undefined;
}

/** The names that constraints apply to, including e-mail addresses in the subject. */
function namesOf({ subject, alternativeNames }: Certificate): GeneralName[] {
  const addresses = valuesOf(subject, EMAIL_ADDRESS);
  return [
    ...(subject.rdns.length === 0 ? [] : [{ kind: 'directory', name: subject } as const]),
    ...addresses.map((text) => ({ kind: 'email', text }) as const),
    ...alternativeNames,
  ];
}

function isSameForm(base: GeneralName, name: GeneralName): boolean {
  if (base.kind === 'unsupported' && name.kind === 'unsupported') return base.tag === name.tag;
  return base.kind === name.kind;
}

function isComparable(name: GeneralName): boolean {
  if (name.kind === 'unsupported') return false;
  return name.kind !== 'uri' || hostOf(name.text) !== undefined;
}

function isWithin(name: GeneralName, base: GeneralName): boolean {
  if (name.kind === 'directory' && base.kind === 'directory') return isBelow(name.name, base.name);
  if (name.kind === 'ip' && base.kind === 'ip') return isInNetwork(name.octets, base.octets);
  if (!('text' in name && 'text' in base)) return false;
  const text = base.text.toLowerCase();
  if (name.kind === 'dns') return isInDomain(name.text.toLowerCase().replace(/\.$/, ''), text);
  if (name.kind === 'uri') return isHost(hostOf(name.text) ?? '', text);
  return isMailbox(name.text, base.text);
}

/** Whether the name begins with the RDNs of the constraint. */
function isBelow(name: DistinguishedName, base: DistinguishedName): boolean {
  return base.keys.every((key, index) => name.keys[index] === key);
}

/**
 * `example.com` matches itself and its subdomains; `.example.com`, unknown to the RFC, its subdomains only.
 */
function isInDomain(name: string, base: string): boolean {
  if (base === '' || name === base) return true;
  return name.endsWith(base.startsWith('.') ? base : `.${base}`);
}

/** For URIs and mailboxes: `example.com` matches that host only, `.example.com` its subdomains. */
function isHost(host: string, base: string): boolean {
  if (base === '') return true;
  return base.startsWith('.') ? host.endsWith(base) && host.length > base.length : host === base;
}

/** A constraint with `@` is one mailbox; its local part is case-sensitive. */
function isMailbox(address: string, base: string): boolean {
  const split = (text: string) => {
    const at = text.lastIndexOf('@');
    return [text.slice(0, Math.max(at, 0)), text.slice(at + 1).toLowerCase()] as const;
  };
  const [local, host] = split(address);
  const [baseLocal, baseHost] = split(base);
  if (!base.includes('@')) return isHost(host, baseHost);
  return local === baseLocal && host === baseHost;
}

/** The network is an address and a mask. An IPv4 network contains no IPv6 address. */
function isInNetwork(address: Buffer, network: Buffer): boolean {
  if (network.length !== address.length * 2) return false;
  return address.every((octet, index) => {
    const mask = network[address.length + index] ?? 0xff;
    return (octet & mask) === ((network[index] ?? 0) & mask);
  });
}

/** The host name of a URI with an authority; undefined for other URIs and for addresses (section 4.2.1.10). */
function hostOf(uri: string): string | undefined {
  const [, authority = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri) ?? [];
  const host = authority.replace(/^.*@/, '').replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();
  const isAddress = host.includes(':') || /^[\d.]*$/.test(host);
  return isAddress ? undefined : host;
}
