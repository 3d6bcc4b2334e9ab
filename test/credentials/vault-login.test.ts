/** Login data for Vault in the library, and the global STS of each partition. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createVaultLoginData } from '../../src/credentials/vault-login.js';
import { partitionOf, partitionOfArn } from '../../src/options/partition.js';

const KEYS = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token' };
const now = () => new Date('2026-06-01T12:00:00Z');

describe('createVaultLoginData', () => {
  it('omits the role if none is given, and shows no secret', async () => {
    const data = await createVaultLoginData(KEYS, { now });
    expect(data).not.toHaveProperty('role');
    const headers = Buffer.from(data.iam_request_headers, 'base64').toString();
    expect(JSON.parse(headers)).toMatchObject({
      ...{
        host: ['sts.amazonaws.com'],
        'x-amz-date': ['20260601T120000Z'],
        'x-amz-security-token': ['token'],
      },
      authorization: [
        expect.stringMatching(/SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,/),
      ],
    });
    expect(headers).not.toContain('secret');
  });

  it.each([
    ['aws', 'https://sts.amazonaws.com/'],
    ['aws-cn', 'https://sts.cn-northwest-1.amazonaws.com.cn/'],
    ['aws-us-gov', 'https://sts.us-gov-west-1.amazonaws.com/'],
  ])('is for the STS of the partition %s', async (name, url) => {
    const roleArn = `arn:${name}:iam::123456789012:role/Demo`;
    const { iam_request_url } = await createVaultLoginData({ ...KEYS, roleArn }, { now });
    expect(Buffer.from(iam_request_url, 'base64').toString()).toBe(url);
  });

  it.each([
    [{ stsRegion: 'moon' }, /stsRegion must be a region/],
    [{ stsEndpoint: 'http://192.0.2.1' }, /stsEndpoint must use https/],
    [{ serverIdHeaderValue: 'a\r\nb: c' }, /serverIdHeaderValue must be printable ASCII/],
  ])('refuses %j', async (options, message) => {
    await expect(createVaultLoginData(KEYS, options)).rejects.toThrow(message);
  });
});

const SCRIPT = `
import botocore, json, os
path = os.path.join(os.path.dirname(botocore.__file__), 'data', 'partitions.json')
rows = json.load(open(path))['partitions']
print(json.dumps([[row['id'], row['outputs']['implicitGlobalRegion']] for row in rows]))
`;
const { stdout, status } = spawnSync('python3', ['-c', SCRIPT], { encoding: 'utf8' });
const rows: Array<[name: string, region: string]> =
  status === 0 ? JSON.parse(stdout) : [['aws', 'us-east-1']];
const leftOut = status === 0 ? '' : ' (left out: there is no botocore here)';

describe('partitions', () => {
  it.skipIf(status !== 0).each(rows)(
    `%s has its services for all regions in %s${leftOut}`,
    (name, region) => {
      const { globalRegion } = partitionOfArn(`arn:${name}:iam::123456789012:role/Demo`);
      expect(globalRegion).toBe(region);
      expect(partitionOf(globalRegion).name).toBe(name);
    },
  );
});
