import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STSClient } from '@aws-sdk/client-sts';
import type { AwsCredentialIdentityProvider } from '@smithy/types';
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest';
import type { RolesAnywhereProvider } from '../../src/credentials/from-roles-anywhere.js';
import { fromRolesAnywhere } from '../../src/credentials/from-roles-anywhere.js';
import type { CreateSessionOptions } from '../../src/session/create-session.js';
import { ARNS, RSA, refusal, startFakeService, success } from '../fake-service.js';
import { identity, NOW, path } from '../fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));

const OPTIONS: CreateSessionOptions = { ...ARNS, ...RSA, env: {}, now: () => NOW, random: () => 0 };

describe('fromRolesAnywhere', () => {
  it('gives what an SDK client takes, and no more', async () => {
    const { endpoint } = await startFakeService([success]);
    expect(await fromRolesAnywhere({ ...OPTIONS, endpoint })()).toEqual({
      accessKeyId: 'ASIAEXAMPLEACCESSKEY',
      secretAccessKey: 'example/secret+access=key',
      sessionToken: 'example//session++token==',
      expiration: new Date('2026-06-01T13:00:00Z'),
      accountId: '123456789012',
    });
  });

  it('is a provider by its type, and for a real client', async () => {
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

  it('takes what a client passes along, and needs none of it', async () => {
    const { endpoint } = await startFakeService([success]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    const properties = { callerClientConfig: { region: async () => 'eu-west-1' } };
    expect(await provider(properties)).toMatchObject({ accountId: '123456789012' });
  });

  it('refuses standard input, which could be read once only', async () => {
    await expect(fromRolesAnywhere({ ...OPTIONS, privateKey: '-' })()).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message:
        'privateKey must be a file, text or bytes: a provider reads it again, and standard input only once',
      tryNextLink: false,
    });
  });

  it('reads certificate and key anew at each call, so that a renewal is used', async () => {
    const { endpoint, requests } = await startFakeService([success, success]);
    const [certificate, privateKey] = [join(folder, 'host.pem'), join(folder, 'host.key')];
    const install = (name: string): void => {
      copyFileSync(path(`${name}.pem`), certificate);
      copyFileSync(path(`${name}.key.pem`), privateKey);
    };
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint, certificate, privateKey });
    const serials: (string | undefined)[] = [];
    for (const name of ['rsa-2048', 'ec-p256']) {
      install(name);
      await provider();
      serials.push((await identity(name)).certificate.serialNumber);
    }
    const sent = requests.map(
      ({ headers }) => /Credential=(\d+)/.exec(headers['authorization'] as string)?.[1],
    );
    expect(sent).toEqual(serials);
    expect(sent[0]).not.toBe(sent[1]);
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
      'no answer from http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
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

  it('recovers: a failed call is not remembered', async () => {
    const { endpoint } = await startFakeService([refusal(403, 'AccessDeniedException', 'no'), success]);
    const provider = fromRolesAnywhere({ ...OPTIONS, endpoint });
    await expect(provider()).rejects.toMatchObject({ code: 'ERR_SERVICE_DENIED' });
    expect(await provider()).toMatchObject({ accessKeyId: 'ASIAEXAMPLEACCESSKEY' });
  });
});
