/** PKCS#11 URIs: the grammar of RFC 7512, and violations of it. */
import { describe, expect, it } from 'vitest';
import { formatPkcs11Uri, isPkcs11Uri, parsePkcs11Uri } from '../../../src/identity/pkcs11/uri.js';

const parse = (text: string) => parsePkcs11Uri(text, '--private-key');

describe('a PKCS#11 URI', () => {
  // The examples of RFC 7512 §3, among others.
  it.each([
    ['pkcs11:', {}],
    ['PKCS11:token=a', { token: 'a' }],
    ['pkcs11:object=my-pubkey;type=public', { object: 'my-pubkey', type: 'public' }],
    [
      'pkcs11:object=my-key;type=private?pin-source=file:/etc/token',
      { object: 'my-key', type: 'private', pinSource: 'file:/etc/token' },
    ],
    [
      'pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;' +
        'object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?' +
        'pin-source=file:/etc/token_pin',
      {
        token: 'The Software PKCS#11 Softtoken',
        manufacturer: 'Snake Oil, Inc.',
        model: '1.0',
        object: 'my-certificate',
        type: 'cert',
        id: Buffer.from('69953e5cf4bdec91', 'hex'),
        serial: '',
        pinSource: 'file:/etc/token_pin',
      },
    ],
    [
      'pkcs11:object=my-sign-key;type=private?module-name=mypkcs11',
      { object: 'my-sign-key', type: 'private', moduleName: 'mypkcs11' },
    ],
    [
      'pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1',
      { object: 'my-sign-key', type: 'private', modulePath: '/mnt/libmypkcs11.so.1' },
    ],
    [
      'pkcs11:token=Software%20PKCS%2311%20softtoken;serial=1234?pin-value=the-pin',
      { serial: '1234', pinValue: 'the-pin' },
    ],
    [
      'pkcs11:slot-description=Sun%20Metaslot;slot-manufacturer=Acme;slot-id=327',
      { slotDescription: 'Sun Metaslot', slotManufacturer: 'Acme', slotId: 327 },
    ],
    [
      'pkcs11:library-manufacturer=Snake%20Oil,%20Inc.;library-description=Soft%20Token%20Library;' +
        'library-version=1.23',
      {
        libraryManufacturer: 'Snake Oil, Inc.',
        libraryDescription: 'Soft Token Library',
        libraryVersion: '1.23',
      },
    ],
    [
      'pkcs11:token=My%20token%25%20created%20by%20Joe;library-version=3;id=%01%02%03%Ba%dd%Ca%fe%04%05%06',
      {
        token: 'My token% created by Joe',
        libraryVersion: '3',
        id: Buffer.from('010203baddcafe040506', 'hex'),
      },
    ],
    ['pkcs11:object=A%20name%20with%20a%20substring%20%25%3B', { object: 'A name with a substring %;' }],
    [
      'pkcs11:token=Name%20with%20a%20small%20A%20with%20acute:%20%C3%A1',
      { token: 'Name with a small A with acute: á' },
    ],
    ['pkcs11:id=%00%FF%00', { id: Buffer.from('00ff00', 'hex') }],
    ['pkcs11:id=', { id: Buffer.alloc(0) }],
    // Attributes of vendors, which must begin with x- by RFC 7512 §2.3, are ignored.
    ['pkcs11:token=a;x-vendor=1?x-other=2', { token: 'a' }],
  ])('%s', (text, expected) => {
    expect(isPkcs11Uri(text)).toBe(true);
    expect(parse(text)).toMatchObject(expected);
  });

  it.each([
    ['pkcs11:token=a;token=b', /has the attribute token twice/],
    ['pkcs11:token=a?pin-value=1&pin-value=2', /has the attribute pin-value twice/],
    ['pkcs11:tokens=a', /do not know: "tokens"/],
    ['pkcs11:token', /do not know: "token"/],
    ['pkcs11:pin-value=1234', /do not know: "pin-value"/],
    ['pkcs11:?token=a', /do not know: "token"/],
    ['pkcs11:token=%', /two hex digits after % in token/],
    ['pkcs11:id=%0g', /two hex digits after % in id/],
    ['pkcs11:type=certificate', /must have one of public, private, cert/],
    ['pkcs11:slot-id=0x1', /must have a number as slot-id/],
    ['pkcs11:token=a?b=c?d=e', /must have one \?/],
    ['pkcs11:token=a?pin-value=1&pin-source=file:/pin', /must have pin-value or pin-source, not both/],
  ])('is refused: %s', (text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('is refused without its PIN in the message', () => {
    expect(() => parse('pkcs11:token=a;slot-id=x?pin-value=canary')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('canary') }),
    );
  });

  it('is the same after formatting and parsing', () => {
    const attributes = {
      token: 'a b;c%d é?',
      serial: '1',
      id: Buffer.from('00ff3b', 'hex'),
      object: 'x=y&z',
      type: 'cert' as const,
    };
    const text = formatPkcs11Uri(attributes);
    expect(text).toMatch(/^pkcs11:[A-Za-z0-9._~%;=-]+$/);
    expect(parse(text)).toEqual(attributes);
  });
});
