import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createNeighbourhood } from '../../../src/cli/serve/peer.js';

const at = (address: string, internal = false) =>
  ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo;

const INTERFACES = {
  lo: [at('127.0.0.1', true), at('::1', true), at('169.254.169.254', true)],
  eth0: [at('10.0.0.5'), at('2001:db8::5'), at('fe80::5')],
  docker0: [at('172.17.0.1')],
};

let time = 0;
const neighbourhood = createNeighbourhood(
  () => INTERFACES,
  () => new Date(time),
);

describe('peerOf', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', 'local'],
    ['::1', '::1', 'local'],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', 'local'],
    ['127.9.8.7', '127.0.0.1', 'local'],
    // Redirected by a packet filter: the client has an address of this machine.
    ['10.0.0.5', '127.0.0.1', 'local'],
    ['::ffff:10.0.0.5', '::ffff:127.0.0.1', 'local'],
    ['2001:db8::5', '::1', 'local'],
    ['fe80::5%eth0', '::1', 'local'],
    // To an address on an internal interface.
    ['169.254.169.254', '169.254.169.254', 'local'],
    ['10.0.0.5', '169.254.169.254', 'local'],
    // Masqueraded, or a program on this machine: they cannot be distinguished.
    ['10.0.0.5', '10.0.0.5', 'network'],
    ['172.17.0.1', '172.17.0.1', 'network'],
    ['10.0.0.5', '172.17.0.1', 'network'],
    // Other hosts and containers, also where packets to loopback are routed.
    ['10.0.0.9', '10.0.0.5', 'network'],
    ['172.17.0.2', '172.17.0.1', 'network'],
    ['10.0.0.9', '127.0.0.1', 'network'],
    ['10.0.0.9', '169.254.169.254', 'network'],
    ['127.0.0.1.evil.example', '127.0.0.1', 'network'],
    [undefined, undefined, 'network'],
  ])('classifies a client with %s at %s as %s', (remoteAddress, localAddress, peer) => {
    expect(neighbourhood.peerOf({ remoteAddress, localAddress })).toBe(peer);
  });

  it('lists the interfaces at most once per second', () => {
    let lists = 0;
    const { peerOf } = createNeighbourhood(
      () => {
        lists += 1;
        return INTERFACES;
      },
      () => new Date(time),
    );
    const ask = () => peerOf({ remoteAddress: '10.0.0.5', localAddress: '10.0.0.5' });
    for (let count = 0; count < 100; count++) ask();
    expect(lists).toBe(1);
    time += 1_000;
    ask();
    expect(lists).toBe(2);
  });
});

describe('reachOf', () => {
  it.each([
    ['127.0.0.1', 'local'],
    ['::1', 'local'],
    ['169.254.169.254', 'local'],
    ['10.0.0.5', 'network'],
    ['0.0.0.0', 'network'],
    ['::', 'network'],
    ['192.0.2.1', 'network'],
    ['localhost', undefined],
    ['', undefined],
  ])('of %s is %s', (address, reach) => {
    expect(neighbourhood.reachOf(address)).toBe(reach);
  });
});
