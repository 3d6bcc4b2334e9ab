import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/options/values.js';
import type { SessionOptions } from '../../src/session/session-options.js';
import { parseSettings } from '../../src/session/settings.js';
import { ARNS } from '../fake-service.js';

/** Options as a program without types could pass them. */
function parse(options: object) {
  return parseSettings({ ...ARNS, certificate: 'host.pem', ...options } as Partial<SessionOptions>);
}

const DURATION = 'durationSeconds must be a whole number of seconds from 900 to 43200, found';
const LIMIT = 'must be a whole number of milliseconds from 1 to 600000, found';
const REGION =
  'region must be a region such as us-east-1 (FIPS and dual-stack are options of their own), found';
const NAME = 'roleSessionName must be 2 to 64 of A-Z a-z 0-9 _ + = , . @ -, found';
const NUMBER = 'a value of type number';

describe('an invalid value is refused', () => {
  it.each<[object, string]>([
    [{ durationSeconds: 899 }, `${DURATION} "899"`],
    [{ durationSeconds: 43_201 }, `${DURATION} "43201"`],
    [{ durationSeconds: 900.5 }, `${DURATION} "900.5"`],
    [{ durationSeconds: -3600 }, `${DURATION} "-3600"`],
    [{ durationSeconds: Number.NaN }, `${DURATION} "NaN"`],
    [{ durationSeconds: Number.POSITIVE_INFINITY }, `${DURATION} "Infinity"`],
    [{ durationSeconds: 3600n }, `${DURATION} "3600"`],
    [{ durationSeconds: true }, `${DURATION} "true"`],
    [{ durationSeconds: '1h' }, `${DURATION} "1h"`],
    [{ durationSeconds: '1e3' }, `${DURATION} "1e3"`],
    [{ durationSeconds: ' 3600' }, `${DURATION} " 3600"`],
    [{ durationSeconds: '0900' }, `${DURATION} "0900"`],
    [{ durationSeconds: '0x' }, `${DURATION} "0x"`],
    [{ durationSeconds: '9__00' }, `${DURATION} "9__00"`],
    [{ durationSeconds: '99999999999' }, `${DURATION} "99999999999"`],
    [{ durationSeconds: {} }, `${DURATION} a value of type object`],
    [{ durationSeconds: [3600] }, `${DURATION} a list`],
    [{ timeoutMs: 0 }, `timeoutMs ${LIMIT} "0"`],
    [{ timeoutMs: 600_001 }, `timeoutMs ${LIMIT} "600001"`],
    [{ connectTimeoutMs: 0 }, `connectTimeoutMs ${LIMIT} "0"`],
    [{ connectTimeoutMs: 600_001 }, `connectTimeoutMs ${LIMIT} "600001"`],
    [{ region: 'US-EAST-1' }, `${REGION} "US-EAST-1"`],
    [{ region: 'us-east' }, `${REGION} "us-east"`],
    [{ region: 'us-east-1-fips' }, `${REGION} "us-east-1-fips"`],
    [{ region: 'us-east-1.evil.example' }, `${REGION} "us-east-1.evil.example"`],
    [{ region: 'us-east-1/' }, `${REGION} "us-east-1/"`],
    [{ region: 'eu west 1' }, `${REGION} "eu west 1"`],
    [{ region: 1 }, `${REGION} ${NUMBER}`],
    [{ region: ['us-east-1'] }, `${REGION} a list`],
    [{ roleSessionName: 'x' }, `${NAME} "x"`],
    [{ roleSessionName: 'x'.repeat(65) }, `${NAME} "${'x'.repeat(65)}"`],
    [{ roleSessionName: 'two words' }, `${NAME} "two words"`],
    [{ roleSessionName: 'größe' }, `${NAME} "größe"`],
    [{ roleSessionName: 'a/b' }, `${NAME} "a/b"`],
    [{ useFipsEndpoint: 'yes' }, 'useFipsEndpoint must be true or false, found "yes"'],
    [{ useDualstackEndpoint: 1 }, `useDualstackEndpoint must be true or false, found ${NUMBER}`],
    [{ verifyTls: {} }, 'verifyTls must be true or false, found a value of type object'],
    [{ useFipsEndpoint: [] }, 'useFipsEndpoint must be true or false, found a list'],
    [{ passphrase: 1234 }, `passphrase must be text, found ${NUMBER}`],
    [{ caBundle: ['a.pem'] }, 'caBundle must be text, found a list'],
    [{ endpoint: new URL('https://example.test') }, 'endpoint must be text, found a value of type object'],
    [{ roleArn: 5 }, `roleArn must be text, found ${NUMBER}`],
    [{ certificate: 5 }, `certificate must be a path, PEM text or bytes, found ${NUMBER}`],
    [{ privateKey: [] }, 'privateKey must be a path, PEM text or bytes, found a list'],
    [
      { intermediates: true },
      'intermediates must be a path, PEM text or bytes, found a value of type boolean',
    ],
  ])('%o', (options, message) => {
    expect(() => parse(options)).toThrow(
      expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION_INVALID', message }),
    );
  });

  // A pitfall of the Go helper: such a name would end up in the credential scope.
  it.each(['fips-us-east-1', 'us-east-1-fips'])('a pseudo-region: %s', (region) => {
    expect(() => parse({ region })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: `${REGION} "${region}"` }),
    );
  });

  it.each([12345678, ['hunter2'], { secret: 'hunter2' }])(
    'a passphrase of a wrong type, without its value: %o',
    (passphrase) => {
      expect(() => parse({ passphrase })).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching(/hunter2|12345678/) }),
      );
    },
  );
});

describe('a value at the limit is accepted', () => {
  it.each<[object, object]>([
    [{ durationSeconds: 900 }, { durationSeconds: 900 }],
    [{ durationSeconds: 43_200 }, { durationSeconds: 43_200 }],
    [{ durationSeconds: '1800' }, { durationSeconds: 1800 }],
    [{ connectTimeoutMs: 1, timeoutMs: 1 }, { connection: { connectTimeoutMs: 1, timeoutMs: 1 } }],
    [{ connectTimeoutMs: '600000', timeoutMs: 600_000 }, { connection: { connectTimeoutMs: 600_000 } }],
    [{ region: 'us-gov-west-1' }, { region: 'us-gov-west-1' }],
    [{ region: 'eusc-de-east-1' }, { region: 'eusc-de-east-1' }],
    [{ region: 'us-isob-east-1' }, { region: 'us-isob-east-1' }],
    [{ roleSessionName: 'ab' }, { roleSessionName: 'ab' }],
    [{ roleSessionName: 'aZ0_+=,.@-'.repeat(6) }, { roleSessionName: 'aZ0_+=,.@-'.repeat(6) }],
    [{ verifyTls: false }, { connection: { verifyTls: false } }],
    [{ verifyTls: 'false' }, { connection: { verifyTls: false } }],
    [{ verifyTls: '0' }, { connection: { verifyTls: false } }],
    [{ verifyTls: 'T' }, { connection: { verifyTls: true } }],
    [{ verifyTls: '1' }, { connection: { verifyTls: true } }],
    [{ certificate: new Uint8Array([48]) }, { source: { certificate: new Uint8Array([48]) } }],
  ])('%o', (options, expected) => {
    expect(parse(options)).toMatchObject(expected);
  });

  it.each([undefined, null, ''])('%o counts as not given: the default is used', (none) => {
    const settings = parse({
      durationSeconds: none,
      roleSessionName: none,
      region: none,
      endpoint: none,
      verifyTls: none,
      connectTimeoutMs: none,
      timeoutMs: none,
      privateKey: none,
    });
    expect(settings).toMatchObject({
      durationSeconds: 3600,
      roleSessionName: undefined,
      region: 'us-east-1',
      connection: { verifyTls: true, connectTimeoutMs: 5000, timeoutMs: 20_000 },
      source: { privateKey: undefined },
    });
    expect(settings.endpoint.href).toBe('https://rolesanywhere.us-east-1.amazonaws.com/');
  });
});

describe('nearest', () => {
  it.each([
    ['privatKey', ', did you mean "privateKey"?'],
    ['PRIVATEKEY', ', did you mean "privateKey"?'],
    ['certficate', ', did you mean "certificate"?'],
    ['zzzzzz', ''],
    ['', ''],
  ])('of "%s": "%s"', (unknown, expected) => {
    expect(nearest(unknown, ['certificate', 'privateKey', 'region'])).toBe(expected);
  });
});
