/** The causes of a refusal: the likely one first, commands with this request's names, and the statement. */
import { describe, expect, it } from 'vitest';
import type { ErrorDetails } from '../../src/errors.js';
import { ServiceError } from '../../src/errors.js';
import type { RefusedRequest } from '../../src/session/refusal-causes.js';
import { explainRefusal } from '../../src/session/refusal-causes.js';

const REFUSED: RefusedRequest = {
  trustAnchorArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/TA',
  profileArn: 'arn:aws:rolesanywhere:us-east-1:111122223333:profile/PR',
  roleArn: 'arn:aws:iam::111122223333:role/path/Backup',
  durationSeconds: 7200,
  certificate: { subject: 'O=Example, CN=host-1', issuer: 'CN=Example CA' },
};

function explain(message: string, details: ErrorDetails & { type?: string } = {}, refused = REFUSED) {
  const error = new ServiceError('ERR_SERVICE_DENIED', `the service answered 403: ${message}`, {
    status: 403,
    ...details,
  });
  return explainRefusal(error, refused);
}

describe('explainRefusal', () => {
  it.each([
    ['Untrusted signing certificate', 'issuer, CN=Example CA', 'get-trust-anchor --trust-anchor-id TA'],
    ['Untrusted certificate. Insufficient certificate', 'digitalSignature', 'CA:TRUE'],
    ['Invalid signature', 'clock', 'proxy'],
    ['The requested DurationSeconds exceeds the MaxSessionDuration', '7200 seconds', '--role-name Backup'],
    ['Not authorized to set roleSessionName.', 'leave the name out', '--profile-id PR'],
    ['Unable to assume role for x', 'trust policy', 'get-profile --profile-id PR'],
  ])('%s', (message, first, later) => {
    const { causes } = explain(message);
    expect(causes[0]).toContain(first);
    expect(causes.join('\n')).toContain(later);
  });

  it('names the resources that may not exist', () => {
    const { causes } = explain('no', { type: 'ResourceNotFoundException' });
    expect(causes[0]).toMatch(/trust-anchor-id TA.*profile-id PR/);
  });

  it('puts the facts of this response first', () => {
    const hint = 'Subject CN "a&b" cannot be a session tag';
    const message = 'Unable to assume role for x. Some attributes failed to be mapped into session tags.';
    expect(explain(message, { hint }).causes[0]).toBe(hint);
    const clock = "Invalid signature; this machine's clock is 9 minutes ahead of the service's";
    expect(explain(clock, { hint: 'set the clock' }).causes[0]).toBe('set the clock');
    expect(explain('Invalid signature', { hint: 'set the clock' }).causes[0]).not.toBe('set the clock');
  });

  it('gives the statement only if the trust policy may be the cause', () => {
    expect(explain('Invalid signature').statement).toBeUndefined();
    expect(explain('Unable to assume role for x').statement).toEqual({
      Effect: 'Allow',
      Principal: { Service: 'rolesanywhere.amazonaws.com' },
      Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
      Condition: {
        ArnEquals: { 'aws:SourceArn': REFUSED.trustAnchorArn },
        StringEquals: { 'aws:PrincipalTag/x509Subject/CN': 'host-1' },
      },
    });
    const nameless = { ...REFUSED, certificate: { subject: 'O=Example', issuer: 'CN=Example CA' } };
    expect(explain('Unable to assume role for x', {}, nameless).statement?.Condition).toEqual({
      ArnEquals: { 'aws:SourceArn': REFUSED.trustAnchorArn },
    });
  });

  it('has no causes for an unknown message, or another type of error', () => {
    expect(explain('Something new').causes).toEqual([]);
    const busy = new ServiceError('ERR_SERVICE_THROTTLED', 'Invalid signature', { status: 429 });
    expect(explainRefusal(busy, REFUSED)).toEqual({ causes: [], statement: undefined });
  });
});
