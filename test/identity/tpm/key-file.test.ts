/** `TSS2 PRIVATE KEY` files: the forms that programs write, damaged and unsupported ones. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTpmKeyFile } from '../../../src/identity/tpm/key-file.js';
import type { Recording } from './replay.js';

const RECORDINGS: Readonly<Record<string, Recording>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', 'vectors', 'tpm.json'), 'utf8'),
);
const PEM = RECORDINGS['an EC key file']?.pem ?? '';
const KEY = Buffer.from(PEM.replace(/-----[^-]+-----/g, ''), 'base64');
const SUBJECT = 'private key host.tss';

function encode(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...octets), content]);
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** The fields of the recorded file: type, [0] emptyAuth, parent, pubkey, privkey. */
const LOADABLE = hex('06 06 67 81 05 0a 01 03');
const parsed = parseTpmKeyFile(KEY, SUBJECT);
const sized = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
const PUBLIC = encode(0x04, sized(parsed.publicBytes));
const PRIVATE = encode(0x04, sized(parsed.privateBytes));
const OWNER = hex('02 04 40 00 00 01');

function file(...fields: readonly Buffer[]): Buffer {
  return encode(0x30, ...fields);
}

describe('a TSS2 PRIVATE KEY', () => {
  it('gives the public key that OpenSSL reads from its public area', () => {
    // The point stands at the end of TPMT_PUBLIC: TPM2B x and TPM2B y. OpenSSL judges that it is on the curve.
    const { x = '', y = '' } = parsed.publicArea.key.export({ format: 'jwk' });
    expect(parsed.publicBytes.toString('hex')).toContain(
      `0020${Buffer.from(x, 'base64url').toString('hex')}`,
    );
    expect(parsed.publicBytes.toString('hex')).toMatch(
      new RegExp(`0020${Buffer.from(y, 'base64url').toString('hex')}$`),
    );
    const text = execFileSync('openssl', ['pkey', '-pubin', '-noout', '-text'], {
      input: parsed.publicArea.key.export({ type: 'spki', format: 'pem' }),
      encoding: 'utf8',
    });
    expect(text).toMatch(/NIST CURVE: P-256/);
  });

  it.each([
    ['emptyAuth as DER has it', [hex('a0 03 01 01 ff'), OWNER], { hasEmptyAuth: true, parent: 0x40000001 }],
    ['emptyAuth as older engines wrote it', [hex('a0 03 01 01 01'), OWNER], { hasEmptyAuth: true }],
    ['emptyAuth false', [hex('a0 03 01 01 00'), OWNER], { hasEmptyAuth: false }],
    ['no emptyAuth', [OWNER], { hasEmptyAuth: false }],
    ['a description', [hex('a4 06 0c 04 68 6f 73 74'), OWNER], { parent: 0x40000001 }],
    ['an RSA parent', [hex('a5 03 01 01 ff'), OWNER], { isParentRsa: true }],
    ['a persistent parent', [hex('02 05 00 81 00 01 00')], { parent: 0x81000100 }],
    ['a persistent parent that was written with a sign', [hex('02 04 81 00 01 00')], { parent: 0x81000100 }],
    ['parent 0, as the first engines wrote the owner', [hex('02 01 00')], { parent: 0x40000001 }],
    ['the null hierarchy', [hex('02 04 40 00 00 07')], { parent: 0x40000007 }],
    [
      'a policy',
      [
        encode(
          0xa1,
          encode(
            0x30,
            encode(0x30, hex('a0 04 02 02 01 7f'), hex('a1 08 04 06 00 00 00 00 00 00')),
            encode(0x30, hex('a0 04 02 02 01 6b'), hex('a1 02 04 00')),
          ),
        ),
        OWNER,
      ],
      {
        policy: [
          { name: 'PolicyPCR', parameters: Buffer.alloc(6) },
          { name: 'PolicyAuthValue', parameters: Buffer.alloc(0) },
        ],
      },
    ],
  ])('may have %s', (_name, fields, expected) => {
    expect(parseTpmKeyFile(file(LOADABLE, ...fields, PUBLIC, PRIVATE), SUBJECT)).toMatchObject(expected);
  });

  it.each([
    [
      'an importable key',
      file(hex('06 06 67 81 05 0a 01 04'), OWNER, PUBLIC, PRIVATE),
      /importable key.*tpm2_import/,
    ],
    ['sealed data', file(hex('06 06 67 81 05 0a 01 05'), OWNER, PUBLIC, PRIVATE), /sealed data/],
    ['another type', file(hex('06 03 2a 03 04'), OWNER, PUBLIC, PRIVATE), /of type 1\.2\.3\.4/],
    [
      'a secret',
      file(LOADABLE, hex('a2 03 04 01 00'), OWNER, PUBLIC, PRIVATE),
      /secret of an importable key/,
    ],
    ['authPolicy', file(LOADABLE, hex('a3 02 30 00'), OWNER, PUBLIC, PRIVATE), /authPolicy/],
    [
      'a policy that asks for a signature',
      file(
        LOADABLE,
        encode(0xa1, encode(0x30, encode(0x30, hex('a0 04 02 02 01 60'), hex('a1 02 04 00')))),
        OWNER,
        PUBLIC,
        PRIVATE,
      ),
      /its policy has PolicySigned/,
    ],
    ['a transient parent', file(LOADABLE, hex('02 05 00 80 00 00 00'), PUBLIC, PRIVATE), /found 0x80000000/],
  ])('is refused as not supported: %s', (_name, der, message) => {
    expect(() => parseTpmKeyFile(der, SUBJECT)).toThrow(
      expect.objectContaining({ code: 'ERR_KEY_UNSUPPORTED', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['one octet more', Buffer.concat([KEY, Buffer.of(0)])],
    ['one octet less', KEY.subarray(0, -1)],
    ['no private area', file(LOADABLE, OWNER, PUBLIC)],
    ['no parent', file(LOADABLE, PUBLIC, PRIVATE)],
    ['a parent of five octets', file(LOADABLE, hex('02 05 01 40 00 00 01'), PUBLIC, PRIVATE)],
    ['a field too many', file(LOADABLE, OWNER, PUBLIC, PRIVATE, hex('05 00'))],
    ['a BOOLEAN of two octets', file(LOADABLE, hex('a0 04 01 02 ff ff'), OWNER, PUBLIC, PRIVATE)],
    ['a size that is not the size', file(LOADABLE, OWNER, encode(0x04, hex('00 05 00')), PRIVATE)],
    [
      'a public area that is cut short',
      file(LOADABLE, OWNER, encode(0x04, sized(parsed.publicBytes.subarray(0, -1))), PRIVATE),
    ],
    [
      'a point that is not on the curve',
      file(
        LOADABLE,
        OWNER,
        encode(
          0x04,
          sized(
            Buffer.concat([
              parsed.publicBytes.subarray(0, -1),
              Buffer.of(0xff ^ (parsed.publicBytes.at(-1) ?? 0)),
            ]),
          ),
        ),
        PRIVATE,
      ),
    ],
    ['a symmetric key', file(LOADABLE, OWNER, encode(0x04, hex('00 08 00 25 00 0b 00 00 00 00')), PRIVATE)],
  ])('is refused as damaged: %s', (_name, der) => {
    expect(() => parseTpmKeyFile(der, SUBJECT)).toThrow(
      expect.objectContaining({
        code: 'ERR_KEY_INVALID',
        message: expect.stringMatching(/^private key host\.tss is a damaged TSS2/),
      }),
    );
  });

  it('loads or fails with an IdentityError for every changed octet', () => {
    for (let at = 0; at < KEY.length; at++) {
      for (const octet of [0x00, 0xff, (KEY[at] ?? 0) ^ 0x80]) {
        const altered = Buffer.from(KEY);
        altered[at] = octet;
        try {
          parseTpmKeyFile(altered, SUBJECT);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_KEY_(INVALID|UNSUPPORTED)$/) });
        }
      }
    }
  });
});
