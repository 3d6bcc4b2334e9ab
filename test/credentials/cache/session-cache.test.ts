/** The cache in one process: hits, misses, and that it never fails. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cacheFolders } from '../../../src/credentials/cache/folder.js';
import type { SessionCache } from '../../../src/credentials/cache/session-cache.js';
import { openCache } from '../../../src/credentials/cache/session-cache.js';
import type { Session } from '../../../src/session/response.js';
import { NOW } from '../../fixtures.js';
import { MINUTE_MS, sealingKey, session, settings, temporaryFolder } from './kept.js';

interface Setup {
  readonly runtime: string;
  readonly folder: string;
  readonly said: string[];
  open(
    options?: Parameters<typeof settings>[0],
    minutes?: number,
    key?: string,
  ): Promise<SessionCache | undefined>;
}

function setup(): Setup {
  const runtime = temporaryFolder();
  const said: string[] = [];
  const logger = {
    debug: (text: string) => said.push(text),
    warn: (text: string) => said.push(`warn: ${text}`),
  };
  return {
    runtime,
    folder: join(runtime, 'rolesanywhere'),
    said,
    open: async (options, minutes = 0, key = 'ec-p256') => {
      const now = (): Date => new Date(NOW.getTime() + minutes * MINUTE_MS);
      return openCache(settings(options), await sealingKey(key), {
        env: { XDG_RUNTIME_DIR: runtime },
        now,
        logger,
      });
    },
  };
}

const makes = (value: Session) => async (): Promise<Session> => value;
const never = async (): Promise<Session> => {
  throw new Error('asked the service');
};

describe('a cache', () => {
  it('keeps a session in a file and folder that other users cannot read', async () => {
    const { open, folder } = setup();
    const first = session('ASIA1');
    expect(await (await open())?.share(makes(first))).toBe(first);
    expect(await (await open())?.share(never)).toEqual(first);
    expect(await (await open())?.read()).toEqual({ value: first, createdAt: NOW });
    const [name = ''] = readdirSync(folder);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.session$/)]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, name), 'latin1')).not.toMatch(/canary|ASIA1/);
  });

  it.each([
    ['another role', { roleArn: 'arn:aws:iam::111122223333:role/OTHER' }],
    ['another profile', { profileArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:profile/other' }],
    [
      'another trust anchor',
      { trustAnchorArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/other' },
    ],
    ['another region', { region: 'eu-west-1' }],
    ['another endpoint', { endpoint: 'https://elsewhere.example' }],
    ['another duration', { durationSeconds: 7200 }],
    ['a name for the session', { roleSessionName: 'me' }],
    ['the FIPS endpoint', { useFipsEndpoint: true }],
    ['a service that is not verified', { verifyTls: false }],
    ['other authorities for TLS', { caBundle: 'ca.pem' }],
  ])('keeps %s apart', async (_name, options) => {
    const { open } = setup();
    await (await open())?.share(makes(session('ASIA1')));
    expect((await (await open(options))?.share(makes(session('ASIA2'))))?.accessKeyId).toBe('ASIA2');
    expect((await (await open())?.share(never))?.accessKeyId).toBe('ASIA1');
  });

  it('keeps another certificate apart, and the time limits of the call together', async () => {
    const { open } = setup();
    await (await open())?.share(makes(session('ASIA1')));
    expect(await (await open({}, 0, 'ec-p384'))?.read()).toBeUndefined();
    expect(await (await open({ timeoutMs: 5 }))?.read()).toBeDefined();
  });

  it.each([
    [39, true],
    [40, false],
    [41, false],
    [61, false],
    [-4, true],
    // The clock was set back: an expired session may look valid.
    [-6, false],
  ])('%i minutes later returns sessions with more than 20 minutes left: %s', async (minutes, expected) => {
    const { open } = setup();
    await (await open())?.share(makes(session('ASIA1')));
    expect((await (await open({}, minutes))?.read()) !== undefined).toBe(expected);
  });

  it('keeps no session that is too short, by the request or by the response', async () => {
    const { open, folder, said } = setup();
    expect(await open({ durationSeconds: 1200 })).toBeUndefined();
    expect(said.at(-1)).toBe('sessions of 1200 seconds are too short to be cached');
    await (await open())?.share(makes(session('ASIA1', 20)));
    expect(readdirSync(folder)).toEqual([]);
    expect(said.at(-1)).toBe('the session is too short to be cached');
  });

  it('uses only newer sessions for a refresh', async () => {
    const { open } = setup();
    const [old, other, own] = [session('ASIA1'), session('ASIA2', 61), session('ASIA3', 62)];
    const cache = await open();
    await cache?.share(makes(old));
    const replacing = ({ expiration }: Session) => ({ expiration, leadLimitMs: Number.POSITIVE_INFINITY });
    expect(await cache?.share(makes(other), replacing(old))).toBe(other);
    expect(await cache?.share(never, replacing(old))).toEqual(other);
    expect(await cache?.share(makes(own), replacing(other))).toBe(own);
  });

  it('gives a refresher a valid session and the learned limit of the previous process', async () => {
    const { open } = setup();
    const value = session('ASIA1');
    await (await open())?.share(makes(value), { expiration: undefined, leadLimitMs: 300_000 });
    expect(await (await open({}, 41))?.read()).toBeUndefined();
    expect(await (await open({}, 59))?.read(0)).toEqual({ value, createdAt: NOW, leadLimitMs: 300_000 });
    expect(await (await open({}, 60))?.read(0)).toBeUndefined();
    // No process was throttled.
    await (await open({}, 61))?.share(makes(session('ASIA2', 121)), {
      expiration: undefined,
      leadLimitMs: Number.POSITIVE_INFINITY,
    });
    expect((await (await open({}, 61))?.read())?.leadLimitMs).toBeUndefined();
  });

  it('passes errors on and caches nothing', async () => {
    const { open, folder } = setup();
    await expect((await open())?.share(never)).rejects.toThrow('asked the service');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('creates one session for concurrent calls', async () => {
    const { open } = setup();
    let made = 0;
    const create = async (): Promise<Session> => {
      made++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return session(`ASIA${made}`);
    };
    const cache = await open();
    const all = await Promise.all(Array.from({ length: 20 }, () => cache?.share(create)));
    expect(new Set(all.map((one) => one?.accessKeyId))).toEqual(new Set(['ASIA1']));
  });

  it('creates a session itself if another process hangs', async () => {
    const { open, folder } = setup();
    const cache = await open({ timeoutMs: 60 });
    let isLate = false;
    let hasBegun = (): void => {};
    const begun = new Promise<void>((resolve) => {
      hasBegun = resolve;
    });
    const late = cache?.share(async () => {
      hasBegun();
      while (!isLate) await new Promise((resolve) => setTimeout(resolve, 5));
      return session('ASIA1');
    });
    await begun;
    expect((await cache?.share(makes(session('ASIA2'))))?.accessKeyId).toBe('ASIA2');
    isLate = true;
    expect((await late)?.accessKeyId).toBe('ASIA1');
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('stops waiting when the signal aborts', async () => {
    const { open, runtime } = setup();
    let finish = (): void => {};
    const held = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const begun = new Promise<void>((resolve) => {
      void open().then((cache) =>
        cache?.share(async () => {
          resolve();
          await held;
          return session('ASIA1');
        }),
      );
    });
    await begun;
    const signal = AbortSignal.abort();
    const env = { XDG_RUNTIME_DIR: runtime };
    const ended = await openCache(settings(), await sealingKey(), { env, now: () => NOW, signal });
    await expect(ended?.share(never)).rejects.toThrow('asked the service');
    finish();
  });

  it('removes expired sessions and half-written files', async () => {
    const { open, folder } = setup();
    await (await open({ roleSessionName: 'ab' }))?.share(makes(session('ASIA1')));
    await (await open({ roleSessionName: 'ab' }, 61))?.share(
      makes(session('ASIA1', 60, new Date(NOW.getTime() + 61 * MINUTE_MS))),
    );
    const [own = ''] = readdirSync(folder);
    const leftover = join(folder, `.${own}.00000000-0000-0000-0000-000000000000.tmp`);
    writeFileSync(leftover, 'half');
    await (await open({ roleSessionName: 'ab' }, 110))?.share(
      makes(session('ASIA3', 60, new Date(NOW.getTime() + 110 * MINUTE_MS))),
    );
    expect(readdirSync(folder)).toEqual([own]);
    await (await open({ roleSessionName: 'cd' }, 171))?.share(
      makes(session('ASIA4', 60, new Date(NOW.getTime() + 171 * MINUTE_MS))),
    );
    expect(readdirSync(folder)).toHaveLength(1);
    expect(readdirSync(folder)).not.toContain(own);
  });
});

describe('a cache file', () => {
  it.each<[string, (path: string) => void]>([
    ['empty', (path) => writeFileSync(path, '')],
    ['cut short', (path) => writeFileSync(path, readFileSync(path).subarray(0, -9))],
    [
      'of another version',
      (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('cache-1', 'cache-9')),
    ],
    ['of noise', (path) => writeFileSync(path, Buffer.alloc(3000, 0xfe))],
    ['huge', (path) => writeFileSync(path, Buffer.alloc(300_000))],
  ])('%s is a miss and is replaced', async (_name, damage) => {
    const { open, folder, said } = setup();
    await (await open())?.share(makes(session('ASIA1')));
    damage(join(folder, readdirSync(folder)[0] ?? ''));
    const cache = await open();
    expect(await cache?.read()).toBeUndefined();
    expect((await cache?.share(makes(session('ASIA2'))))?.accessKeyId).toBe('ASIA2');
    expect((await cache?.read())?.value.accessKeyId).toBe('ASIA2');
    expect(said.join()).not.toMatch(/warn|canary|ASIA/);
  });

  it.each<[string, (path: string) => void]>([
    ['a folder', (path) => mkdirSync(path)],
    ['a link to nowhere', (path) => symlinkSync(join(path, '..', 'nowhere', 'file'), path)],
  ])('that is %s is a miss; the new session is returned', async (_name, make) => {
    const { open, folder, said } = setup();
    await (await open())?.share(makes(session('ASIA1')));
    const path = join(folder, readdirSync(folder)[0] ?? '');
    rmSync(path);
    make(path);
    expect((await (await open())?.share(makes(session('ASIA2'))))?.accessKeyId).toBe('ASIA2');
    expect(said.at(-1)).toMatch(/^cache file \S+ cannot be written: /);
  });
});

describe('the folder', () => {
  it.each<[string, (folder: string) => void, string]>([
    [
      'that others can write to',
      (folder) => {
        mkdirSync(folder);
        chmodSync(folder, 0o720);
      },
      'other users can write to it',
    ],
    ['that is a link', (folder) => symlinkSync('/tmp', folder), 'it is not a folder'],
    ['that is a file', (folder) => writeFileSync(folder, ''), 'it is not a folder'],
  ])('%s is not used', async (_name, make, reason) => {
    const { open, folder, said } = setup();
    make(folder);
    expect(await open()).toBeUndefined();
    expect(said).toHaveLength(1);
    expect(said[0]).toBe(`nothing is cached: folder ${folder} is not used, since ${reason}`);
  });

  const isRoot = process.getuid?.() === 0;
  it.skipIf(!isRoot)('of another user is not used (left out unless run by root)', async () => {
    const { open, folder, said } = setup();
    mkdirSync(folder, { mode: 0o700 });
    chownSync(folder, 65_534, 65_534);
    onTestFinished(() => chownSync(folder, 0, 0));
    expect(await open()).toBeUndefined();
    expect(said).toEqual([
      `nothing is cached: folder ${folder} is not used, since it belongs to another user`,
    ]);
  });

  it.each([
    [
      'the runtime directory',
      { XDG_RUNTIME_DIR: '/run/user/7', XDG_CACHE_HOME: '/c', HOME: '/h' },
      '/run/user/7/rolesanywhere',
    ],
    ['the cache directory', { XDG_CACHE_HOME: '/c', HOME: '/h' }, '/c/rolesanywhere'],
    ['paths that are not relative', { XDG_RUNTIME_DIR: 'run', XDG_CACHE_HOME: '/c' }, '/c/rolesanywhere'],
  ])('is %s', (_name, env, expected) => {
    expect(cacheFolders(env)[0]).toBe(expected);
  });

  it.runIf(process.platform === 'linux')('is below ~/.cache by default', () => {
    expect(cacheFolders({ HOME: '/h' })).toEqual(['/h/.cache/rolesanywhere']);
  });
});
