/** Describes this machine as IMDS describes an instance. */
import { createHash } from 'node:crypto';
import type { ListInterfaces } from './peer.js';

export interface MachineFacts {
  /** In the form of EC2, and the same at each start: agents name log streams after it. */
  readonly instanceId: string;
  readonly hostname: string;
  /** The first IPv4 address that is not internal; 127.0.0.1 if there is none. */
  readonly address: string;
}

export function describeMachine(hostname: string, list: ListInterfaces): MachineFacts {
  const addresses = Object.values(list()).flatMap((found) => found ?? []);
  return {
    instanceId: `i-${createHash('sha256').update(hostname).digest('hex').slice(0, 17)}`,
    hostname,
    address: addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1',
  };
}
