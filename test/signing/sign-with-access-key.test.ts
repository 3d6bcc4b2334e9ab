/** Signature Version 4 with temporary credentials, compared with signatures of botocore. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createStsRequest } from '../../src/session/sts/call-sts.js';
import { signWithAccessKey } from '../../src/signing/sign-with-access-key.js';

const CREDENTIALS = {
  accessKeyId: 'ASIAEXAMPLEACCESSKEY',
  secretAccessKey: 'example/secret+access=key',
  sessionToken: 'example//session++token==',
};
const DATE = new Date('2026-06-01T12:00:00Z');

const SCRIPT = `
import sys, json, datetime
import botocore.auth, botocore.awsrequest, botocore.credentials
asked = json.load(sys.stdin)
moment = datetime.datetime(2026, 6, 1, 12, 0, 0)
botocore.auth.get_current_datetime = lambda remove_tzinfo=True: moment
key = botocore.credentials.Credentials(*asked['credentials'])
request = botocore.awsrequest.AWSRequest('POST', asked['url'], asked['headers'], asked['body'])
botocore.auth.SigV4Auth(key, 'sts', asked['region']).add_auth(request)
print(json.dumps({name.lower(): value for name, value in request.headers.items()}))
`;

const hasBotocore = spawnSync('python3', ['-c', 'import botocore.auth']).status === 0;
const leftOut = hasBotocore ? '' : ' (left out: there is no botocore here)';

describe('signWithAccessKey', () => {
  it.skipIf(!hasBotocore).each([
    ['https://sts.us-east-1.amazonaws.com', 'us-east-1', 'GetCallerIdentity', {}],
    [
      'http://127.0.0.1:9911',
      'eu-west-1',
      'AssumeRole',
      { RoleArn: 'arn:aws:iam::1:role/a b', Policy: '{"é":"*+"}' },
    ],
    ['https://proxy.example:8443/sts', 'cn-north-1', 'GetCallerIdentity', {}],
  ])(`signs for %s as botocore does${leftOut}`, async (url, region, action, parameters) => {
    const request = createStsRequest(new URL(url), action, parameters);
    // botocore signs no user agent, as smithy.
    const asked = {
      url: url + request.path.slice(new URL(url).pathname.replace(/\/$/, '').length),
      ...{ region, headers: request.headers, body: request.body },
      credentials: [CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey, CREDENTIALS.sessionToken],
    };
    const python = spawnSync('python3', ['-c', SCRIPT], { input: JSON.stringify(asked), encoding: 'utf8' });
    expect(python.stderr).toBe('');
    const expected = JSON.parse(python.stdout);
    const signed = await signWithAccessKey(request, CREDENTIALS, { service: 'sts', region, date: DATE });
    expect(signed.headers['x-amz-date']).toBe(expected['x-amz-date']);
    expect(signed.headers['x-amz-security-token']).toBe(expected['x-amz-security-token']);
    expect(signed.headers['authorization']).toBe(expected.authorization);
  });

  it('does not change its input, and signs the host with its port', async () => {
    const request = Object.freeze(
      createStsRequest(new URL('http://127.0.0.1:9911'), 'GetCallerIdentity', {}),
    );
    Object.freeze(request.headers);
    const scope = { service: 'sts', region: 'us-east-1', date: DATE };
    const { headers } = await signWithAccessKey(request, CREDENTIALS, scope);
    expect(headers['host']).toBe('127.0.0.1:9911');
    expect(headers['authorization']).toMatch(
      /SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,/,
    );
  });
});
