/**
 * Parses `--san` (subject alternative names), in OpenSSL's notation: `DNS:host.example`, `IP:192.0.2.1`,
 * `URI:spiffe://…`.
 */
import { OptionError, quote } from '../../errors.js';

const DNS = /^(?=.{1,253}$)(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_-]{1,63})*$/;
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]{1,2000}$/;

const HINT = 'for example --san DNS:host.example, --san IP:192.0.2.1, --san URI:spiffe://example/host';

/**
 * @returns undefined without `--san`, so that the names of the certificate request are used
 * @throws OptionError `ERR_OPTION_INVALID`
 */
export function parseNames(
  texts: readonly string[] | undefined,
): { readonly hosts: readonly string[]; readonly uris: readonly string[] } | undefined {
  if (texts === undefined) return undefined;
  // A comma may also be part of a URI.
  const names = texts.flatMap((text) => text.split(/,(?=(?:DNS|IP|URI):)/i)).map(parseName);
  return {
    hosts: names.filter(({ type }) => type !== 'URI').map(({ value }) => value),
    uris: names.filter(({ type }) => type === 'URI').map(({ value }) => value),
  };
}

function parseName(text: string): { readonly type: string; readonly value: string } {
  const end = text.indexOf(':');
  const [type, value] = [text.slice(0, Math.max(end, 0)).toUpperCase(), text.slice(end + 1)];
  const isValid = { DNS: isDnsName, IP: isAddress, URI: (uri: string) => URI.test(uri) }[type];
  if (isValid?.(value) === true) return { type, value };
  const rule = isValid === undefined ? 'DNS:NAME, IP:ADDRESS or URI:URI' : `a valid name after ${type}:`;
  throw new OptionError('ERR_OPTION_INVALID', `--san must be ${rule}, found ${quote(text)}`, { hint: HINT });
}

/** Numbers and dots alone would be read as an address. */
function isDnsName(text: string): boolean {
  return DNS.test(text) && !/^[\d.]+$/.test(text);
}

/** The URL parser normalises addresses: an abbreviated one comes out changed, and a wrong one fails. */
function isAddress(text: string): boolean {
  if (/^[\d.]+$/.test(text))
    return URL.canParse(`http://${text}/`) && new URL(`http://${text}/`).hostname === text;
  return /^[0-9A-Fa-f:.]+$/.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`);
}
