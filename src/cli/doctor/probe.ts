/**
 * Asks the network, for `doctor`: resolves a name, connects, and reads the certificates that a server sends.
 */
import { lookup } from 'node:dns/promises';
import type { Socket } from 'node:net';
import { connect as connectTcp, isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { connect as connectTls } from 'node:tls';

export interface Address {
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

export function addressOf({ hostname, port, protocol }: URL): Address {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

/** @throws Error of the resolver */
export async function resolveName(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

/** Connects and closes. @throws Error of the system, or of a time-out */
export async function tryConnect(address: Address, timeoutMs: number): Promise<void> {
  (await openSocket(address, timeoutMs)).destroy();
}

function openSocket({ host, port }: Address, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port });
    const timer = setTimeout(() => socket.destroy(new Error('no response in time')), timeoutMs);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** The facts of a server's TLS handshake, verified or not. */
export interface Shown {
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** The issuer of the topmost certificate: `CN=…, O=…`. */
  readonly issuer: string;
}

/** @param tunnel the HTTP proxy to go through, by CONNECT, with the value of its Proxy-Authorization header */
export interface Tunnel extends Address {
  readonly authorization: string | undefined;
}

/** Undefined if the handshake fails: the request itself reports the cause. */
export async function showCertificate(
  target: Address,
  timeoutMs: number,
  tunnel?: Tunnel,
): Promise<Shown | undefined> {
  let socket: Socket | undefined;
  try {
    socket = await openSocket(tunnel ?? target, timeoutMs);
    if (tunnel !== undefined) await openTunnel(socket, target, tunnel, timeoutMs);
    return await shake(socket, target.host, timeoutMs);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
  }
}

function openTunnel(
  socket: Socket,
  { host, port }: Address,
  { authorization }: Tunnel,
  timeoutMs: number,
): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const credentials = authorization === undefined ? '' : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  return new Promise((resolve, reject) => {
    let answer = '';
    const refuse = (): void => reject(new Error('the proxy refuses the tunnel'));
    const timer = setTimeout(refuse, timeoutMs);
    socket.once('close', refuse);
    socket.on('data', function read(bytes: Buffer) {
      answer += bytes.toString('latin1');
      if (answer.length > 16_384) return refuse();
      if (!answer.includes('\r\n\r\n')) return;
      clearTimeout(timer);
      socket.off('data', read);
      if (/^HTTP\/1\.[01] 2\d\d /.test(answer)) resolve();
      else refuse();
    });
  });
}

function shake(socket: Socket, host: string, timeoutMs: number): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({
      ...{ socket, rejectUnauthorized: false, minVersion: 'TLSv1.2' },
      ...(isIP(host) === 0 && { servername: host }),
    });
    tls.setTimeout(timeoutMs, () => reject(new Error('no handshake in time')));
    tls.once('error', reject);
    tls.once('secureConnect', () => {
      resolve({ protocol: tls.getProtocol() ?? '', issuer: topmostIssuer(tls.getPeerCertificate(true)) });
    });
  });
}

function topmostIssuer(leaf: PeerCertificate & { issuerCertificate?: PeerCertificate }): string {
  let top: PeerCertificate & { issuerCertificate?: PeerCertificate } = leaf;
  const seen = new Set<string>();
  while (top.issuerCertificate !== undefined && !seen.has(top.fingerprint256)) {
    seen.add(top.fingerprint256);
    top = top.issuerCertificate;
  }
  const { CN, O } = top.issuer ?? {};
  return Object.entries({ CN, O })
    .flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${value}`] : []))
    .join(', ');
}
