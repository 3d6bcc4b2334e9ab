import { describe, expect, it } from 'vitest';
import { formatProcessCredentials } from '../../src/credentials/process-json.js';

const CREDENTIALS = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'a/b+c"d\\e',
  sessionToken: 'token==',
  expiration: new Date('2026-06-01T13:00:00Z'),
  accountId: '123456789012',
};

describe('the JSON of credential_process', () => {
  it('is exactly this text, without a line end', () => {
    expect(formatProcessCredentials(CREDENTIALS)).toBe(
      String.raw`{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"a/b+c\"d\\e",` +
        '"SessionToken":"token==","Expiration":"2026-06-01T13:00:00Z","AccountId":"123456789012"}',
    );
  });

  it.each([
    ['2026-06-01T13:00:00.000Z', '2026-06-01T13:00:00Z'],
    // Never later than the service said.
    ['2026-06-01T13:00:00.999Z', '2026-06-01T13:00:00Z'],
    ['2026-06-01T15:00:00+02:00', '2026-06-01T13:00:00Z'],
  ])('writes whole seconds in UTC: %s as %s', (moment, expected) => {
    const text = formatProcessCredentials({ ...CREDENTIALS, expiration: new Date(moment) });
    expect(JSON.parse(text).Expiration).toBe(expected);
  });

  it('has the credentials of a session and nothing else', () => {
    const session = { ...CREDENTIALS, roleArn: 'arn:aws:iam::123456789012:role/Demo', subjectArn: 'x' };
    expect(formatProcessCredentials(session)).toBe(formatProcessCredentials(CREDENTIALS));
  });
});
