/** A source of sessions, called repeatedly by a long-running program. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSessionSource } from '../../src/credentials/session-source.js';
import { loadIdentity } from '../../src/identity/load.js';
import { parseSettings } from '../../src/session/settings.js';
import { ARNS, RSA, startFakeService, success } from '../fake-service.js';
import { NOW } from '../fixtures.js';

it('warns once that a key without derivation, such as an EC key on a token, caches nothing', async () => {
  const home = mkdtempSync(join(tmpdir(), 'session-source-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const { endpoint, requests } = await startFakeService([success, success, success]);
  const now = () => NOW;
  const { deriveKey, ...onToken } = await loadIdentity(RSA, { now });
  expect(deriveKey).toBeDefined();
  const settings = parseSettings({ ...ARNS, endpoint }, { hasIdentity: true });
  const loggers = ['one', 'other'].map((name) => {
    const warnings: string[] = [];
    return { name, warnings, warn: (message: string) => void warnings.push(message) };
  });
  const [logger, other] = loggers;
  const source = openSessionSource(settings, {
    ...{ now, logger, cache: true, identity: async () => onToken },
    env: { HOME: home, XDG_CACHE_HOME: home, LOCALAPPDATA: home },
  });
  expect(await source.cached()).toBeUndefined();
  await source.create();
  await source.create();
  // A caller with its own log gets the warning too.
  await source.create({ logger: other });
  expect(requests).toHaveLength(3);
  for (const { name, warnings } of loggers)
    expect([name, warnings]).toEqual([
      name,
      [expect.stringMatching(/^nothing is cached: this private key cannot derive/)],
    ]);
  expect(readdirSync(home)).toEqual([]);
});
