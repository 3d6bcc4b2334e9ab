/**
 * Decides by `NO_PROXY` whether a service is reached without the proxy.
 *
 * No standard defines `NO_PROXY`. The forms are those of Go's `httpproxy`, which AWS's Go helper uses: a name
 * (and its subdomains), `.name` or `*.name` (its subdomains alone), an address, a block of addresses
 * (`10.0.0.0/8`), `*`; each but the last two optionally with a port. Between them, commas or spaces.
 */
import { BlockList, isIP } from 'node:net';

/** @param endpoint of the service: its host name and port are compared */
export function isWithoutProxy(noProxy: string, endpoint: URL): boolean {
  const host = bareHost(endpoint.hostname);
  const port = endpoint.port || (endpoint.protocol === 'https:' ? '443' : '80');
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && covers(entry, host, port));
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  if (entry.includes('/')) return isInBlock(entry, host);
  const { name, onlyPort } = splitPort(entry);
  if (onlyPort !== undefined && onlyPort !== port) return false;
  if (isIP(name) !== 0) return isInBlock(`${name}/${isIP(name) === 4 ? 32 : 128}`, host);
  const domain = name.replace(/^\*?\./, '');
  if (domain === '' || isIP(host) !== 0) return false;
  return host.endsWith(`.${domain}`) || (domain === name && host === domain);
}

/** An IPv6 address has colons: with a port it is in brackets. */
function splitPort(entry: string): { name: string; onlyPort: string | undefined } {
  if (isIP(entry) === 6) return { name: entry, onlyPort: undefined };
  const [, name = entry, onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  return { name: bareHost(name), onlyPort };
}

function isInBlock(block: string, host: string): boolean {
  const [, address = '', bits = ''] = /^(.+)\/(\d{1,3})$/.exec(block) ?? [];
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** Without the brackets of an IPv6 address and the dot that ends a full name. */
function bareHost(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
