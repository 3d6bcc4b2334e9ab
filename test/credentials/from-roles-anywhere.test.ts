import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { afterAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { RolesAnywhereProvider } from '../../src/credentials/from-roles-anywhere.js';
import { fromRolesAnywhere } from '../../src/credentials/from-roles-anywhere.js';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import type { Answer } from '../fake-service.js';
import { ARNS, RSA, refusal, startFakeService, staysSilent, success } from '../fake-service.js';
import { identity, NOW, path } from '../fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS: CreateSessionOptions = { ...ARNS, ...RSA, env: {}, now: () => NOW, random: () => 0 };

describe('fromRolesAnywhere', () => {
  it('returns the members that SDK clients use, and no others', async () => {
    const { endpoint } = await startFakeService([success]);
    expect(await fromRolesAnywhere({ ...OPTIONS, endpoint })()).toEqual({
      accessKeyId: 'ASIAEXAMPLEACCESSKEY',
      secretAccessKey: 'example/secret+access=key',
      sessionToken: 'example//session++token==',
      expiration: new Date('2026-06-01T13:00:00Z'),
      accountId: '123456789012',
    });
  });

  it('is a provider by type and for a real client', async () => {
    expectTypeOf<RolesAnywhereProvider>().toExtend<AwsCredentialIdentityProvider>();
    // The client keeps nothing that has expired, as these have: it may ask more than once.
    const { endpoint } = await startFakeService([success, success, success]);
    const credentials: AwsCredentialIdentityProvider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const client = new STSClient({ region: 'us-east-1', credentials });
    try {
      expect(await client.config.credentials()).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
    } finally {
      client.destroy();
    }
  });

  it('accepts the properties that a client passes, and needs none', async () => {
    const { endpoint } = await startFakeService([success]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const properties = { callerClientConfig: { region: async () => 'eu-west-1' } };
    expect(await provider(properties)).toMatchObject({ accountId: '123456789012' });
  });

  it('refuses standard input, which could be read once only', async () => {
    await expect(fromRolesAnywhere({ ...OPTIONS, privateKey: '-' })()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: 'privateKey must not be standard input: it is read again at each refresh',
      tryNextLink: false,
    });
  });

  it('uses a renewed certificate at the next refresh, in the background of a call', async () => {
    const { endpoint, requests } = await startFakeService([success, success]);
    const [certificate, privateKey] = [join(folder, 'host.pem'), join(folder, 'host.key')];
    const install = (name: string): void => {
      copyFileSync(path(`${name}.pem`), certificate);
      copyFileSync(path(`${name}.key.pem`), privateKey);
    };
    let now = NOW;
    install('rsa-2048');
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint, certificate, privateKey, now: () => now });
    await provider();
    install('ec-p256');
    await provider();
    expect(requests).toHaveLength(1);
    now = new Date('2026-06-01T12:36:00Z');
    await provider();
    await vi.waitFor(() => expect(requests).toHaveLength(2));
    const sent = requests.map(
      ({ headers }) => /Credential=(\d+)/.exec(headers['authorization'] as string)?.[1],
    );
    const names = ['rsa-2048', 'ec-p256'];
    const expected = await Promise.all(
      names.map(async (name) => (await identity(name)).certificate.serialNumber),
    );
    expect(sent).toEqual(expected);
  });

  it('callers share one request and its result', async () => {
    const { endpoint, requests } = await startFakeService([success]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const got = await Promise.all(Array.from({ length: 50 }, () => provider()));
    expect(new Set(got.map(({ accessKeyId }) => accessKeyId)).size).toBe(1);
    await provider();
    expect(requests).toHaveLength(1);
  });

  it('logs to the calling client, unless it has its own logger', async () => {
    const { endpoint } = await startFakeService([success, success]);
    const [theirs, own] = [[] as string[], [] as string[]];
    const logger = (to: string[]) => ({
      debug: (text: string) => to.push(text),
      warn: (text: string) => to.push(text),
      info: () => {},
      error: () => {},
    });
    const properties = { callerClientConfig: { logger: logger(theirs) } };
    await fromRolesAnywhere({ ...OPTIONS, endpoint })(properties);
    expect(theirs.some((text) => text.startsWith('canonical request'))).toBe(true);
    const before = theirs.length;
    await fromRolesAnywhere({ ...OPTIONS, endpoint, logger: logger(own) })(properties);
    expect(own.length).toBe(before);
    expect(theirs.length).toBe(before);
  });

  it('signs for the region of the trust anchor, not that of the client', async () => {
    const { endpoint, requests } = await startFakeService([success]);
    const callerClientConfig = { region: async () => 'eu-west-1' };
    await fromRolesAnywhere({ ...OPTIONS, endpoint })({ callerClientConfig });
    expect(requests[0]?.headers['authorization']).toContain('/us-east-1/rolesanywhere/');
  });

  it('with `cache` shares a session with the next program of this user', async () => {
    const { endpoint, requests } = await startFakeService([success, success]);
    const options = { ...OPTIONS, endpoint, env: { XDG_RUNTIME_DIR: folder } };
    const first = await fromRolesAnywhere({ ...options, cache: true })();
    expect(await fromRolesAnywhere({ ...options, cache: true })()).toEqual(first);
    expect(requests).toHaveLength(1);
    expect(existsSync(join(folder, 'rolesanywhere'))).toBe(true);
    await fromRolesAnywhere(options)();
    expect(requests).toHaveLength(2);
  });

  it('checks the identity once per session and reads the options again after an option error', async () => {
    const { endpoint } = await startFakeService([success]);
    const warnings: string[] = [];
    const logger = { warn: (text: string) => warnings.push(text) };
    const weak = { certificate: path('warn-rsa-1024.pem'), privateKey: path('warn-rsa-1024.key.pem') };
    const options: { -readonly [Key in keyof CreateSessionOptions]: CreateSessionOptions[Key] } = {
      ...{ ...OPTIONS, ...weak, endpoint, logger },
      roleArn: '',
    };
    const provider = fromRolesAnywhere(options);
    await expect(provider()).rejects.toMatchObject({ code: 'ERR_OPTION_MISSING' });
    options.roleArn = ARNS.roleArn;
    await Promise.all([provider(), provider()]);
    expect(warnings).toEqual([expect.stringContaining('RSA key of at least 2048 bits, found 1024')]);
  });

  it('aborts requests when it is disposed, and refuses further calls', async () => {
    const { endpoint } = await startFakeService([staysSilent]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const waiting = provider();
    setTimeout(() => provider.dispose(), 50);
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_ABORTED', tryNextLink: false });
    await expect(provider()).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      message: 'the credential provider has been disposed of',
    });
    const others = [fromRolesAnywhere(OPTIONS), fromRolesAnywhere(OPTIONS)] as const;
    others[0][Symbol.dispose]();
    await others[1][Symbol.asyncDispose]();
    for (const other of others) await expect(other()).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  });

  it('a signal ends one call; the shared request goes on', async () => {
    let answer = (): void => {};
    const later: Answer = (response, request) => {
      answer = () => success(response, request);
    };
    const { endpoint, requests } = await startFakeService([later]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const controller = new AbortController();
    const [ended, other] = [provider({ signal: controller.signal }), provider()];
    await vi.waitFor(() => expect(requests).toHaveLength(1));
    controller.abort(new RangeError('enough'));
    await expect(ended).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } });
    answer();
    expect(await other).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
    expect(requests).toHaveLength(1);
  });

  it('gives a bug a code, and does not show its message', async () => {
    const random = (): number => {
      throw new TypeError('canary-secret');
    };
    const { endpoint } = await startFakeService([refusal(503, 'x', 'x')]);
    const error = await fromRolesAnywhere({ ...OPTIONS, endpoint, random })().catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      name: 'RolesAnywhereError',
      code: 'ERR_UNEXPECTED',
      message: 'unexpected TypeError, please report it',
      tryNextLink: false,
    });
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('canary-secret');
  });

  it('passes the error of askPassphrase on as the cause', async () => {
    const askPassphrase = () => Promise.reject(new RangeError('no terminal'));
    const encrypted = { certificate: path('ec-p256.pem'), privateKey: path('ec-p256.scrypt.pem') };
    await expect(fromRolesAnywhere({ ...OPTIONS, ...encrypted, askPassphrase })()).rejects.toMatchObject({
      code: 'ERR_KEY_PASSPHRASE',
      message: expect.stringContaining('askPassphrase failed for private key '),
      cause: { name: 'RangeError', message: 'no terminal' },
    });
  });

  it('throws nothing before it is called', () => {
    expect(fromRolesAnywhere({ ...OPTIONS, roleArn: undefined })).toBeTypeOf('function');
  });

  it.each<[string, CreateSessionOptions, string, string]>([
    ['an option', { ...OPTIONS, roleArn: '' }, 'ERR_OPTION_MISSING', 'missing roleArn'],
    [
      'an identity',
      { ...OPTIONS, privateKey: '/no/host.key' },
      'ERR_FILE_UNREADABLE',
      'private key /no/host.key cannot be read: there is no such file',
    ],
    [
      'the network',
      { ...OPTIONS, endpoint: 'http://127.0.0.1:1' },
      'ERR_NETWORK',
      'no response from http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
    ],
  ])('in a chain stops at a failure of %s', async (_name, options, code, message) => {
    await expect(fromRolesAnywhere(options)()).rejects.toMatchObject({ code, message, tryNextLink: false });
  });

  it('in a chain stops at a refusal of the service', async () => {
    const { endpoint } = await startFakeService([refusal(403, 'AccessDeniedException', 'no')]);
    await expect(fromRolesAnywhere({ ...OPTIONS, endpoint })()).rejects.toMatchObject({
      name: 'ServiceError',
      code: 'ERR_SERVICE_DENIED',
      message:
        'the service answered 403 AccessDeniedException: no (request id 11111111-2222-3333-4444-555555555555)',
      tryNextLink: false,
    });
  });

  it('pauses between requests to a service that refuses, and recovers', async () => {
    const { endpoint, requests } = await startFakeService([
      refusal(403, 'AccessDeniedException', 'no'),
      success,
    ]);
    let now = NOW;
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint, now: () => now });
    for (let i = 0; i < 5; i++)
      await expect(provider()).rejects.toMatchObject({ code: 'ERR_SERVICE_DENIED' });
    expect(requests).toHaveLength(1);
    now = new Date(NOW.getTime() + 10_000);
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
  });

  it('returns its credentials while a refresh fails, until they expire', async () => {
    const busy = refusal(503, 'ServiceUnavailable', 'later');
    const { endpoint, requests } = await startFakeService([success, busy, busy, busy, busy]);
    let now = NOW;
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint, now: () => now });
    await provider();
    now = new Date('2026-06-01T12:59:00Z');
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
    // One request: the refresher retries, and has time.
    await vi.waitFor(() => expect(requests).toHaveLength(2));
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
    now = new Date('2026-06-01T13:01:00Z');
    await expect(provider()).rejects.toMatchObject({ code: 'ERR_SERVICE_FAILED', tryNextLink: false });
    expect(requests).toHaveLength(5);
  });
});
