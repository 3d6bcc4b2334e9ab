import { expect, it } from 'vitest';
import { isLoopback, isLoopbackAddress } from '../../src/options/loopback.js';

it.each([
  ['localhost', true],
  ['127.0.0.1', true],
  ['127.255.0.9', true],
  ['[::1]', true],
  ['::1', false],
  ['128.0.0.1', false],
  ['1127.0.0.1', false],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['', false],
])('isLoopback(%j) is %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:10.0.0.1', false],
  ['10.0.0.1', false],
  ['::', false],
  ['', false],
])('isLoopbackAddress(%j) is %s', (address, expected) => {
  expect(isLoopbackAddress(address)).toBe(expected);
});
