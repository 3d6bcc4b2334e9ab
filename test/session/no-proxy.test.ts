import { describe, expect, it } from 'vitest';
import { isWithoutProxy } from '../../src/session/no-proxy.js';

const US = 'https://rolesanywhere.us-east-1.amazonaws.com';
const V4 = 'https://10.1.2.3:8443';
const V6 = 'https://[2001:db8::10]';

describe('NO_PROXY', () => {
  // Those in this table were run through Go's golang.org/x/net/http/httpproxy, which agrees.
  it.each<[string, string, boolean]>([
    ['', US, false],
    [' , ,', US, false],
    ['*', US, true],
    ['other.test,*', US, true],
    ['rolesanywhere.us-east-1.amazonaws.com', US, true],
    ['ROLESANYWHERE.US-EAST-1.AMAZONAWS.COM', US, true],
    ['amazonaws.com', US, true],
    ['.amazonaws.com', US, true],
    ['*.amazonaws.com', US, true],
    ['.rolesanywhere.us-east-1.amazonaws.com', US, false],
    ['*.rolesanywhere.us-east-1.amazonaws.com', US, false],
    ['zonaws.com', US, false],
    ['com', US, true],
    ['rolesanywhere.us-east-1.amazonaws.com:443', US, true],
    ['amazonaws.com:8443', US, false],
    ['.amazonaws.com:443', US, true],
    ['a.test, .amazonaws.com', US, true],
    ['10.1.2.3', V4, true],
    ['10.1.2.3:8443', V4, true],
    ['10.1.2.3:443', V4, false],
    ['10.1.2', V4, false],
    ['10.0.0.0/8', V4, true],
    ['10.1.2.0/24', V4, true],
    ['10.1.3.0/24', V4, false],
    ['10.1.2.3/33', V4, false],
    ['10.0.0.0/8', US, false],
    ['2001:db8::10', V6, true],
    ['2001:DB8:0:0::10', V6, true],
    ['[2001:db8::10]:443', V6, true],
    ['[2001:db8::10]:8443', V6, false],
    ['2001:db8::/32', V6, true],
    ['2001:db9::/32', V6, false],
    ['::/0', V4, false],
  ])('"%s" for %s: %s', (noProxy, endpoint, expected) => {
    expect(isWithoutProxy(noProxy, new URL(endpoint))).toBe(expected);
  });

  // Go takes commas alone, knows no dot at the end of a name, and takes the end of an address for that of a
  // name.
  it.each<[string, string, boolean]>([
    ['a.test amazonaws.com', US, true],
    ['amazonaws.com.', US, true],
    ['amazonaws.com', `${US}./`, true],
    ['2.3', V4, false],
  ])('"%s" for %s: %s, unlike Go', (noProxy, endpoint, expected) => {
    expect(isWithoutProxy(noProxy, new URL(endpoint))).toBe(expected);
  });
});
