/** --cert-selector, with the tables of the Go helper's own tests. */
import { describe, expect, it } from 'vitest';
import { parseCertSelector, parseCertSelectorJson } from '../../../src/cli/options/cert-selector.js';

const SERIAL = '15D19632234BF759A32802C0DA88F9E8AFC8702D';
const PAIRS = '--cert-selector must be pairs such as Key=x509Subject,Value=CN=host, separated by a space';
const KEY = 'a Key in --cert-selector must be one of x509Subject, x509Issuer, x509Serial';

function invalid(message: string) {
  return expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION_INVALID', message });
}

describe('a selector as text', () => {
  it.each<[string, object]>([
    [
      `Key=x509Subject,Value=CN=Subject Key=x509Issuer,Value=CN=Issuer Key=x509Serial,Value=${SERIAL}`,
      { x509Subject: 'CN=Subject', x509Issuer: 'CN=Issuer', x509Serial: SERIAL },
    ],
    ['Key=x509Issuer,Value=CN=Issuer', { x509Issuer: 'CN=Issuer' }],
    ['  Key=x509Subject,Value=CN=a b,O=c,d  ', { x509Subject: 'CN=a b,O=c,d' }],
    ['Key=x509Subject,Value=CN=aKey=x509Serial,Value=0a', { x509Subject: 'CN=a', x509Serial: '0a' }],
    ['Key=x509Serial,Value=-0A', { x509Serial: '-0A' }],
  ])('%s', (text, expected) => {
    expect(parseCertSelector(text)).toEqual(expected);
  });

  it.each([
    ['laksdjadf', PAIRS],
    ['Key=laksdjf,Valalsd', PAIRS],
    ['Key=x509Subject', PAIRS],
    ['Key=x509Subject,Value=', PAIRS],
    ['Value=CN=a,Key=x509Subject', PAIRS],
    ['Key=x509Subject,Value=CN=a\nCN=b', PAIRS],
    ['[{"Key":"x509Subject","Value":"CN=a"}]', PAIRS],
    ['Key=aljsdf,Value=aljsdfadsf', KEY],
    ['Key=X509Subject,Value=CN=a', KEY],
    ['Key=constructor,Value=a', KEY],
    [
      `Key=x509Subject,Value=CN=Subject Key=x509Serial,Value=${SERIAL} Key=x509Subject,Value=CN=Subject2`,
      '--cert-selector has x509Subject twice',
    ],
    ['Key=x509Serial,Value=0x15', 'x509Serial in --cert-selector must be hexadecimal'],
    ['Key=x509Serial,Value=15:D1', 'x509Serial in --cert-selector must be hexadecimal'],
    ['Key=x509Serial,Value=host', 'x509Serial in --cert-selector must be hexadecimal'],
  ])('%s is refused', (text, message) => {
    expect(() => parseCertSelector(text)).toThrow(invalid(message));
  });
});

describe('a selector as JSON', () => {
  it.each<[string, object]>([
    [
      '[{"Key":"x509Subject","Value":"CN=Subject"},{"Key":"x509Issuer","Value":"CN=Issuer"},' +
        `{"Key":"x509Serial","Value":"${SERIAL}"}]`,
      { x509Subject: 'CN=Subject', x509Issuer: 'CN=Issuer', x509Serial: SERIAL },
    ],
    ['[{"Key":"x509Issuer","Value":"CN=Issuer","Other":1}]', { x509Issuer: 'CN=Issuer' }],
    ['[{"key":"x509Issuer","VALUE":"CN=Issuer"}]', { x509Issuer: 'CN=Issuer' }],
    ['[{"Key":"x509Issuer"}]', { x509Issuer: '' }],
    ['[]', {}],
    ['null', {}],
  ])('%s', (json, expected) => {
    expect(parseCertSelectorJson(json, 'selector file a.json')).toEqual(expected);
  });

  const LIST = 'selector file a.json must be a list of {"Key": …, "Value": …}';
  it.each([
    ['', 'selector file a.json must be JSON'],
    ['[{"Key":"x509Subject","Value":"CN=a"}', 'selector file a.json must be JSON'],
    ['{"Key":"x509Subject","Value":"CN=a"}', LIST],
    ['"x509Subject"', LIST],
    ['["x509Subject"]', LIST],
    ['[null]', LIST],
    ['[{"Key":"x509Subject","Value":5}]', 'Value in selector file a.json must be text'],
    [
      '[{"Key":"subject","Value":"CN=a"}]',
      'a Key in selector file a.json must be one of x509Subject, x509Issuer, x509Serial',
    ],
    [
      '[{"Value":"CN=a"}]',
      'a Key in selector file a.json must be one of x509Subject, x509Issuer, x509Serial',
    ],
    [
      '[{"Key":"x509Subject","Value":"CN=a"},{"Key":"x509Subject","Value":"CN=a"}]',
      'selector file a.json has x509Subject twice',
    ],
    ['[{"Key":"x509Serial","Value":"xyz"}]', 'x509Serial in selector file a.json must be hexadecimal'],
    ['[{"Key":"x509Serial"}]', 'x509Serial in selector file a.json must be hexadecimal'],
  ])('%s is refused', (json, message) => {
    expect(() => parseCertSelectorJson(json, 'selector file a.json')).toThrow(invalid(message));
  });
});
