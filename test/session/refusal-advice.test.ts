import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/session/refusal-advice.js';

const denied = (text: string, rest: object = {}) =>
  adviceFor({ code: 'ERR_SERVICE_DENIED', type: 'AccessDeniedException', text, hasSkew: false, ...rest });

describe('the advice for a refusal', () => {
  it.each([
    ['Untrusted signing certificate', /trust anchor must hold the CA .* as intermediates/],
    ['Untrusted certificate. Insufficient certificate', /keyUsage digitalSignature/],
    ['Invalid signature', /debug log/],
    ['Unable to assume role for arn:aws:iam::1:role/x', /sts:TagSession and sts:SetSourceIdentity/],
    ['The requested DurationSeconds exceeds the MaxSessionDuration set for this role.', /shorter/],
    ['Not authorized to set roleSessionName.', /acceptRoleSessionName/],
  ])('is set for "%s"', (text, advice) => expect(denied(text)).toMatch(advice));

  it('is left out for an unknown text, and names no flag', () => {
    expect(denied('Something new')).toBeUndefined();
    for (const text of ['Untrusted signing certificate', 'Not authorized to set roleSessionName.']) {
      expect(denied(text)).not.toContain('--');
    }
  });

  it('is about the clock if the clocks differ, with any message', () => {
    expect(denied('Invalid signature', { hasSkew: true })).toBe('set the clock of this machine (NTP)');
  });

  const UNMAPPED =
    'Unable to assume role for arn:aws:iam::1:role/x. Some attributes failed to be mapped into session tags. ';

  it.each([
    [
      'Issuer: [ O, CN ]; Subject: [  ]; SAN: [  ]',
      'Issuer O "Smith & Sons, Ltd", Issuer CN "R&D Issuing CA" cannot be a session tag',
      'x509Issuer',
      'OU',
    ],
    [
      'Issuer: []; Subject: [CN]; SAN: []',
      'Subject CN "host (1)" cannot be a session tag',
      'x509Subject',
      'OU',
    ],
    ['Issuer: []; Subject: [OU]; SAN: []', 'Subject OU cannot be a session tag', 'x509Subject', 'CN'],
    ['Issuer: []; Subject: [CN,OU,O]; SAN: []', 'Subject CN "host (1)", ', 'x509Subject', 'ATTRIBUTE'],
    ['Issuer: [  ]; Subject: [  ]; SAN: [ DNS/2 ]', 'SAN DNS/2 cannot be a session tag', 'x509SAN', 'URI'],
    ['Issuer: [  ]; Subject: [  ]; SAN: [ URI ]', 'SAN URI cannot be a session tag', 'x509SAN', 'DNS'],
  ])('names attribute and value that could not be mapped: %s', (lists, start, field, kept) => {
    const certificate = {
      issuer: 'O=Smith & Sons, Ltd, CN=R&D Issuing CA',
      subject: 'O=Example, CN=host (1)',
    };
    const advice = denied(UNMAPPED + lists, { certificate });
    expect(advice?.startsWith(start)).toBe(true);
    expect(advice).toContain(` --mapping-rules specifier=${kept};`);
    for (const operation of ['put-attribute-mapping', 'delete-attribute-mapping']) {
      expect(advice).toContain(
        `aws rolesanywhere ${operation} --profile-id PROFILE_ID --certificate-field ${field}`,
      );
    }
  });
});
