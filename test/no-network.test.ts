/** `no-network.cjs` blocks each way to a network that Node offers, in this process and in a program. */
import { once } from 'node:events';
import { get } from 'node:http';
import { get as getOverTls } from 'node:https';
import { connect } from 'node:net';
import { connect as connectOverTls } from 'node:tls';
import { expect, it } from 'vitest';
import { credentialProcess, runProgram } from './program.js';

/** An address for documentation (RFC 5737), where nothing is. */
const ELSEWHERE = '192.0.2.1';
const BLOCKED = `network blocked in tests: ${ELSEWHERE}`;

const reject = async (emitter: NodeJS.EventEmitter): Promise<never> => {
  const [error] = await once(emitter, 'error');
  throw error;
};

it.each<[string, () => Promise<unknown>]>([
  ['fetch', () => fetch(`https://${ELSEWHERE}`).catch(({ cause }) => Promise.reject(cause))],
  ['node:http', () => reject(get(`http://${ELSEWHERE}`))],
  ['node:https', () => reject(getOverTls(`https://${ELSEWHERE}`))],
  ['node:net, address and port', () => reject(connect(443, ELSEWHERE))],
  ['node:net, options', () => reject(connect({ host: ELSEWHERE, port: 443 }))],
  ['node:tls', () => reject(connectOverTls({ host: ELSEWHERE, port: 443 }))],
])('%s', async (_name, ask) => {
  await expect(ask()).rejects.toMatchObject({ message: BLOCKED, code: 'ENETUNREACH' });
});

it('a program that a test starts', async () => {
  const outcome = await runProgram(credentialProcess({ endpoint: `https://${ELSEWHERE}` }));
  expect(outcome).toMatchObject({ status: 4, stdout: '' });
  expect(outcome.stderr).toContain(BLOCKED);
});
