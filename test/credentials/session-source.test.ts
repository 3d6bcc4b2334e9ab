/** A source of sessions, called repeatedly by a long-running program. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { SessionSource, SourceContext } from '../../src/credentials/session-source.js';
import { openSessionSource } from '../../src/credentials/session-source.js';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import type { Inputs } from '../../src/identity/inputs.js';
import { loadIdentity } from '../../src/identity/load.js';
import { parseSettings } from '../../src/session/settings.js';
import { ARNS, RSA, startFakeService, success } from '../fake-service.js';
import { manifest, NOW, path, text } from '../fixtures.js';

/** What was read, and how often it was parsed. */
const seen = vi.hoisted(() => ({ inputs: [] as Inputs[], parsed: 0 }));
beforeEach(() => Object.assign(seen, { inputs: [], parsed: 0 }));

vi.mock('../../src/identity/inputs.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/identity/inputs.js')>();
  return {
    ...original,
    readInputs: async (...args: Parameters<typeof original.readInputs>) => {
      const inputs = await original.readInputs(...args);
      seen.inputs.push(inputs);
      return inputs;
    },
  };
});
vi.mock('../../src/identity/load.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/identity/load.js')>();
  return {
    ...original,
    parseInputs: (...args: Parameters<typeof original.parseInputs>) => {
      seen.parsed += 1;
      return original.parseInputs(...args);
    },
  };
});

describe('a session in the cache', () => {
  const PLAIN = { certificate: path('ec-p256.pem'), privateKey: path('ec-p256.key.pem') };
  const ENCRYPTED = { ...PLAIN, privateKey: path('ec-p256.pbkdf2-aes256.pem') };
  const { passphrase } = manifest;

  async function setup() {
    const home = mkdtempSync(join(tmpdir(), 'session-source-'));
    onTestFinished(() => rmSync(home, { recursive: true }));
    const { endpoint, requests } = await startFakeService([success, success, success]);
    const open = (source: IdentitySource, context: Partial<SourceContext> = {}): SessionSource =>
      openSessionSource(parseSettings({ ...ARNS, ...source, endpoint }), {
        ...{ now: () => NOW, cache: true, ...context },
        env: { HOME: home, XDG_CACHE_HOME: home, LOCALAPPDATA: home },
      });
    return { requests, open };
  }

  it('is found without parsing certificate and key', async () => {
    const { requests, open } = await setup();
    const session = await open(PLAIN).create();
    expect(seen.parsed).toBe(1);
    expect(await open(PLAIN).create()).toEqual(session);
    expect(
      await open({ certificate: text('ec-p256.pem'), privateKey: text('ec-p256.key.pem') }).create(),
    ).toEqual(session);
    expect((await open(PLAIN).cached())?.value).toEqual(session);
    expect([seen.parsed, requests.length]).toEqual([1, 1]);
  });

  it.each([
    ['in files', PLAIN],
    ['encrypted', { ...ENCRYPTED, passphrase }],
  ])('leaves no bytes of a key %s in memory', async (_title, source) => {
    const { open } = await setup();
    await open(source).create();
    await open(source).create();
    await open(source).cached();
    const left = seen.inputs.flatMap(
      ({ privateKey }) => privateKey?.bytes.filter((octet) => octet !== 0).length,
    );
    expect(left).toEqual([0, 0, 0]);
  });

  it.each([
    ['in files', PLAIN],
    ['encrypted', { ...ENCRYPTED, passphrase }],
  ])('is shared with programs that run on, of a key %s', async (_title, source) => {
    const { requests, open } = await setup();
    const session = await open(source, { rotates: true }).create();
    expect(await open(source).create()).toEqual(session);
    expect(await open(source, { rotates: true }).create()).toEqual(session);
    expect((await open(source, { rotates: true }).cached())?.value).toEqual(session);
    expect(requests).toHaveLength(1);
  });

  it('is not found without the passphrase of an encrypted key', async () => {
    const { requests, open } = await setup();
    await open({ ...ENCRYPTED, passphrase }).create();
    const failure = { code: 'ERR_KEY_PASSPHRASE' };
    await expect(open(ENCRYPTED).create()).rejects.toMatchObject(failure);
    await expect(open(ENCRYPTED).cached()).rejects.toMatchObject(failure);
    expect(
      (await open(ENCRYPTED, { askPassphrase: async () => passphrase }).create()).accessKeyId,
    ).toBeDefined();
    expect(requests).toHaveLength(1);
  });

  it('is not sealed by the content of an encrypted key under the label of a plain one', async () => {
    const { requests, open } = await setup();
    const privateKey = text('ec-p256.pbkdf2-aes256.pem').replaceAll('ENCRYPTED PRIVATE KEY', 'PRIVATE KEY');
    const askPassphrase = vi.fn(async () => passphrase);
    await expect(open({ ...PLAIN, privateKey }, { askPassphrase }).create()).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_KEY_/),
    });
    expect(askPassphrase).not.toHaveBeenCalled();
    expect(requests).toHaveLength(0);
  });
});

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
      [expect.stringMatching(/^nothing is cached: this private key cannot/)],
    ]);
  expect(readdirSync(home)).toEqual([]);
});
