/** Recognises the host names and addresses that mean this machine itself. */

/** @param hostname as `URL.hostname` writes it: lower case, an IPv6 address in brackets */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** @param address as sockets report it: `127.0.0.1`, `::1`, or IPv4 mapped into IPv6, `::ffff:127.0.0.1` */
export function isLoopbackAddress(address: string): boolean {
  return isLoopback(address === '::1' ? '[::1]' : address.replace(/^::ffff:/, ''));
}
