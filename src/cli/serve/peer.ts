/**
 * Determines the peer of a connection: a program on this machine, or possibly another host.
 *
 * A packet filter that redirects 169.254.169.254:80 to this port (`iptables … REDIRECT`) leaves a local
 * client with one of this machine's own addresses. A remote client that the machine masquerades has one of
 * them too, so the local end of the connection must be loopback, or on an internal interface, as well.
 */

import { isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';
import { isLoopbackAddress } from '../../options/loopback.js';

/** The location of a client: on this machine, at the Unix socket, or unknown. */
export type Peer = 'local' | 'network' | 'socket';

/** Who can connect to an address: this machine alone, or others too. */
export type Reach = 'local' | 'network';

/** As `os.networkInterfaces` returns them. */
export type ListInterfaces = () => Partial<Record<string, NetworkInterfaceInfo[]>>;

/** The two ends of a connection, as sockets have them. */
interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

export interface Neighbourhood {
  /** @param address an IP address @returns undefined for any other text */
  reachOf(address: string): Reach | undefined;
  /** Whether an interface of this machine has that address. */
  isOwn(address: string): boolean;
  peerOf(ends: Ends): Peer;
}

/** Interfaces change; listing them for each connection takes longer than the response. */
const KEPT_MS = 1_000;

export function createNeighbourhood(list: ListInterfaces, now: () => Date): Neighbourhood {
  let listed = { at: Number.NEGATIVE_INFINITY, internal: new Map<string, boolean>() };

  /** Whether an own address is on an internal interface; undefined for addresses of others. */
  function internalAt(address: string): boolean | undefined {
    const at = now().getTime();
    if (Math.abs(at - listed.at) >= KEPT_MS) listed = { at, internal: readInterfaces(list) };
    return listed.internal.get(plainAddress(address));
  }

  const isInternal = (address: string): boolean => isLoopbackAddress(address) || internalAt(address) === true;
  const isOwn = (address: string): boolean => isLoopbackAddress(address) || internalAt(address) !== undefined;
  return {
    isOwn,
    reachOf: (address) => {
      if (isIP(address) === 0) return undefined;
      return isInternal(address) ? 'local' : 'network';
    },
    peerOf: ({ remoteAddress = '', localAddress = '' }) => {
      if (isLoopbackAddress(remoteAddress)) return 'local';
      return isInternal(localAddress) && isOwn(remoteAddress) ? 'local' : 'network';
    },
  };
}

function readInterfaces(list: ListInterfaces): Map<string, boolean> {
  const all = Object.values(list()).flatMap((addresses) => addresses ?? []);
  return new Map(all.map(({ address, internal }) => [plainAddress(address), internal]));
}

/** Removes the zone of a link-local address, and unwraps an IPv4 address that an IPv6 socket reports. */
function plainAddress(address: string): string {
  return (address.split('%', 1)[0] ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
