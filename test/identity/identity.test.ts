import { describe, expect, it } from 'vitest';
import type { IdentitySource } from '../../src/identity/identity-source.js';
import { loadIdentity } from '../../src/identity/load.js';
import { manifest, path, text } from '../fixtures.js';

const [CERTIFICATE, KEY] = [path('rsa-2048.pem'), path('rsa-2048.key.pem')];
const RSA = { certificate: CERTIFICATE, privateKey: KEY };
const EC_KEY = path('ec-p256.key.pem');
const NAME = 'C=DE, O=Example, OU=Fixtures, CN=rsa-2048';

describe('an invalid identity is refused', () => {
  it.each<[string, IdentitySource, string, string]>([
    [
      'certificate and key swapped',
      { certificate: KEY, privateKey: CERTIFICATE },
      'ERR_PEM_INVALID',
      `certificate ${KEY} must hold a certificate, found only a private key`,
    ],
    [
      'a certificate in place of the key',
      { ...RSA, privateKey: CERTIFICATE },
      'ERR_PEM_INVALID',
      `private key ${CERTIFICATE} must hold a private key, found only a certificate`,
    ],
    [
      'an encrypted key in place of the certificate',
      { ...RSA, certificate: path('rsa-2048.scrypt.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('rsa-2048.scrypt.pem')} must hold a certificate, found only an encrypted ` +
        `private key`,
    ],
    [
      'a key in place of the intermediates',
      { ...RSA, intermediates: KEY },
      'ERR_PEM_INVALID',
      `intermediates ${KEY} must hold a certificate, found only a private key`,
    ],
    [
      'a CSR in place of the certificate',
      { ...RSA, certificate: path('not-csr.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-csr.pem')} must hold a certificate, found only a certificate request ` +
        `(CSR), which a CA has yet to sign`,
    ],
    [
      'a public key in place of the certificate',
      { ...RSA, certificate: path('not-public-key.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-public-key.pem')} must hold a certificate, found only a public key`,
    ],
    [
      'a public key in place of the key',
      { ...RSA, privateKey: path('not-public-key.pem') },
      'ERR_PEM_INVALID',
      `private key ${path('not-public-key.pem')} must hold a private key, found only a public key`,
    ],
    [
      'both DER forms swapped',
      { certificate: path('rsa-2048.key.der'), privateKey: path('rsa-2048.der') },
      'ERR_CERTIFICATE_INVALID',
      `certificate ${path('rsa-2048.key.der')} holds something that is not an X.509 certificate`,
    ],
    [
      'a certificate as DER in place of the key',
      { ...RSA, privateKey: path('rsa-2048.der') },
      'ERR_PEM_INVALID',
      `private key ${path('rsa-2048.der')} must hold a private key, found only a certificate`,
    ],
    [
      'no key anywhere',
      { certificate: CERTIFICATE },
      'ERR_OPTION_MISSING',
      `missing privateKey (--private-key), and certificate ${CERTIFICATE} holds none`,
    ],
    [
      'no key beside a certificate as DER',
      { certificate: path('rsa-2048.der') },
      'ERR_OPTION_MISSING',
      `missing privateKey (--private-key), and certificate ${path('rsa-2048.der')} holds none`,
    ],
    ['no certificate', { privateKey: KEY }, 'ERR_OPTION_MISSING', 'missing certificate'],
    [
      'an empty file',
      { ...RSA, certificate: path('not-empty.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-empty.pem')} is empty`,
    ],
    ['no bytes', { ...RSA, privateKey: new Uint8Array() }, 'ERR_PEM_INVALID', 'private key is empty'],
    [
      'garbage',
      { ...RSA, certificate: path('not-garbage.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-garbage.pem')} is neither PEM nor DER`,
    ],
    [
      'a PEM cut short',
      { ...RSA, certificate: path('not-truncated.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-truncated.pem')} is cut short: BEGIN CERTIFICATE without its END`,
    ],
    [
      'a key cut short, the certificate behind it',
      { certificate: `${text('not-truncated.key.pem')}${text('rsa-2048.pem')}` },
      'ERR_PEM_INVALID',
      'certificate is cut short: BEGIN PRIVATE KEY without its END',
    ],
    [
      'a BEGIN line without an end',
      { ...RSA, certificate: '-----BEGIN CERTIFICATE\nAAAA' },
      'ERR_PEM_INVALID',
      'certificate has a damaged BEGIN line',
    ],
    [
      'a body that is not base64',
      { ...RSA, certificate: path('not-base64.pem') },
      'ERR_PEM_INVALID',
      `certificate ${path('not-base64.pem')} holds a CERTIFICATE block that is not base64`,
    ],
    [
      'a body that is not a certificate',
      { ...RSA, certificate: path('not-der.pem') },
      'ERR_CERTIFICATE_INVALID',
      `certificate ${path('not-der.pem')} holds something that is not an X.509 certificate`,
    ],
    [
      'a key body that is not a key',
      { ...RSA, privateKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' },
      'ERR_KEY_INVALID',
      'private key is damaged, or not a private key in PKCS#8, PKCS#1 or SEC1 form',
    ],
    [
      'a key of another kind',
      { ...RSA, privateKey: EC_KEY },
      'ERR_KEY_MISMATCH',
      `private key ${EC_KEY} (EC prime256v1) does not belong to certificate ${CERTIFICATE} (${NAME}, ` +
        `RSA 2048 bits)`,
    ],
    [
      'a key of the same kind that is another',
      { ...RSA, privateKey: path('bad-mismatch.key.pem') },
      'ERR_KEY_MISMATCH',
      `private key ${path('bad-mismatch.key.pem')} (RSA 2048 bits) does not belong to certificate ` +
        `${CERTIFICATE} (${NAME}, RSA 2048 bits)`,
    ],
    [
      'a key of none of several certificates',
      { certificate: path('chain-3.fullchain.pem'), privateKey: EC_KEY },
      'ERR_KEY_MISMATCH',
      `private key ${EC_KEY} (EC prime256v1) does not belong to any of the 4 certificates in ` +
        `certificate ${path('chain-3.fullchain.pem')}`,
    ],
    ...['bad-ed25519: ed25519', 'bad-dsa: dsa 2048 bits', 'bad-rsa-pss: rsa-pss 2048 bits'].map(
      (row): [string, IdentitySource, string, string] => {
        const [name = '', found = ''] = row.split(': ');
        const [certificate, privateKey] = [path(`${name}.pem`), path(`${name}.key.pem`)];
        return [
          `a key that cannot sign: ${found}`,
          { certificate, privateKey },
          'ERR_KEY_UNSUPPORTED',
          `private key ${privateKey} must be RSA, EC, ML-DSA-44, ML-DSA-65 or ML-DSA-87 to sign for IAM ` +
            `Roles Anywhere, found ${found}`,
        ];
      },
    ),
  ])('%s', async (_name, source, code, message) => {
    await expect(loadIdentity(source)).rejects.toMatchObject({ code, message });
  });
});

const ENCRYPTED = manifest.fixtures.filter(
  ({ passphrase, files }) => passphrase === true && files.privateKey !== undefined,
);

describe('an encrypted key', () => {
  const rows = ENCRYPTED.map(({ name, files }) => [name, files] as const);

  it.each(rows)('%s is refused without a passphrase', async (_name, { certificate, privateKey = '' }) => {
    await expect(
      loadIdentity({ certificate: path(certificate), privateKey: path(privateKey) }),
    ).rejects.toMatchObject({
      name: 'IdentityError',
      code: 'ERR_KEY_PASSPHRASE',
      message: `private key ${path(privateKey)} is encrypted and no passphrase was given`,
    });
  });

  it.each(rows)('%s is refused with a wrong passphrase', async (_name, { certificate, privateKey = '' }) => {
    for (const passphrase of ['wrong', '', `${manifest.passphrase} `]) {
      const source = { certificate: path(certificate), privateKey: path(privateKey), passphrase };
      await expect(loadIdentity(source)).rejects.toMatchObject({
        code: 'ERR_KEY_PASSPHRASE',
        message: `private key ${path(privateKey)} cannot be decrypted: the passphrase is wrong`,
      });
    }
  });

  it('in the certificate file is named by that file', async () => {
    const certificate = `${text('rsa-2048.scrypt.pem')}${text('rsa-2048.pem')}`;
    await expect(loadIdentity({ certificate })).rejects.toMatchObject({
      code: 'ERR_KEY_PASSPHRASE',
      message: 'private key in certificate is encrypted and no passphrase was given',
    });
    const { algorithm } = await loadIdentity({ certificate, passphrase: manifest.passphrase });
    expect(algorithm).toBe('AWS4-X509-RSA-SHA256');
  });

  it('with a passphrase of a wrong type: the message does not show it', async () => {
    const { inspect } = await import('node:util');
    const passphrase = 1234567890 as unknown as string;
    const privateKey = path('ec-p256.pbkdf2-aes256.pem');
    const error = await loadIdentity({ certificate: path('ec-p256.pem'), privateKey, passphrase }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_(KEY_PASSPHRASE|OPTION_INVALID)$/) });
    expect(inspect(error)).not.toContain('1234567890');
  });
});
