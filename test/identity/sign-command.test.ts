/** Signing programs: OpenSSL and Python sign, in every output form. */
import { verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/load.js';
import type { SignCommandOptions } from '../../src/identity/sign-command.js';
import { signByCommand } from '../../src/identity/sign-command.js';
import { path, text } from '../fixtures.js';

const DATA = Buffer.from('AWS4-X509-ECDSA-SHA256\n…');

function optionsFor(
  name: string,
  command: readonly string[],
  more: Partial<SignCommandOptions> = {},
): SignCommandOptions {
  const { publicKey, raw } = new X509Certificate(text(`${name}.pem`));
  return {
    command,
    algorithm: publicKey.asymmetricKeyType === 'rsa' ? 'RSASSA_PKCS1_V1_5_SHA_256' : 'ECDSA_SHA_256',
    certificate: raw,
    env: process.env,
    verify: (data, signature) => verify('sha256', data, publicKey, signature),
    ...more,
  };
}

function shell(script: string): string[] {
  return ['sh', '-c', script];
}

const openssl = (name: string): string => `openssl dgst -sha256 -sign '${path(`${name}.key.pem`)}'`;

/** r and s, each as long as the curve's order. */
const RAW_EC = [
  'python3',
  '-c',
  [
    'import sys',
    'from cryptography.hazmat.primitives import hashes, serialization',
    'from cryptography.hazmat.primitives.asymmetric import ec, utils',
    'key = serialization.load_pem_private_key(open(sys.argv[1], "rb").read(), None)',
    'r, s = utils.decode_dss_signature(key.sign(sys.stdin.buffer.read(), ec.ECDSA(hashes.SHA256())))',
    'size = (key.curve.key_size + 7) // 8',
    'sys.stdout.buffer.write(r.to_bytes(size, "big") + s.to_bytes(size, "big"))',
  ].join('\n'),
];

describe('a signing program', () => {
  it.each([
    ['raw octets', ''],
    ['hex', " | xxd -p | tr -d '\\n'"],
    ['hex in lines, as xxd prints it', ' | xxd -p'],
    ['base64', ' | base64 -w0'],
    ['base64 in lines', ' | base64'],
    ['base64 in JSON quotes', ` | base64 -w0 | sed 's/.*/"&"/'`],
    ['base64 for URLs', " | base64 -w0 | tr '+/' '-_' | tr -d ="],
  ])('may print %s', async (_form, filter) => {
    for (const name of ['rsa-2048', 'ec-p256']) {
      const signature = await signByCommand(DATA, optionsFor(name, shell(openssl(name) + filter)));
      expect(verify('sha256', DATA, new X509Certificate(text(`${name}.pem`)).publicKey, signature)).toBe(
        true,
      );
    }
  });

  it.each(['ec-p256', 'ec-p384', 'ec-p521'])('may print r and s of ECDSA: %s', async (name) => {
    const signature = await signByCommand(DATA, optionsFor(name, [...RAW_EC, path(`${name}.key.pem`)]));
    expect(verify('sha256', DATA, new X509Certificate(text(`${name}.pem`)).publicKey, signature)).toBe(true);
  });

  it('gets algorithm, hash and fingerprint in its environment, and no secret of this program', async () => {
    const env = {
      ...process.env,
      ROLESANYWHERE_PKCS8_PASSWORD: 'canary',
      ROLESANYWHERE_PKCS11_PIN: 'canary',
      ROLESANYWHERE_TPM_KEY_PASSWORD_FILE: 'canary',
      AWS_SECRET_ACCESS_KEY: 'canary',
      AWS_SESSION_TOKEN: 'canary',
      AWS_REGION: 'us-east-1',
    };
    const script = [
      'env | grep -q canary && exit 9',
      '[ "$AWS_REGION" = us-east-1 ] || exit 8',
      '[ "$ROLESANYWHERE_SIGN_ALGORITHM" = ECDSA_SHA_256 ] || exit 7',
      '[ ${#ROLESANYWHERE_SIGN_CERTIFICATE_SHA256} = 64 ] || exit 6',
      `[ "$(openssl x509 -in '${path('ec-p256.pem')}' -outform DER | sha256sum | cut -d' ' -f1)" = ` +
        '"$ROLESANYWHERE_SIGN_CERTIFICATE_SHA256" ] || exit 5',
      'cat > /dev/null',
      'printf %s "$ROLESANYWHERE_SIGN_SHA256" | xxd -r -p | openssl pkeyutl -sign -inkey ' +
        `'${path('ec-p256.key.pem')}' -pkeyopt digest:sha256`,
    ].join('\n');
    expect((await signByCommand(DATA, optionsFor('ec-p256', shell(script), { env }))).length).toBeGreaterThan(
      60,
    );
  });

  it('need not read its input', async () => {
    const large = Buffer.alloc(4 * 1024 * 1024);
    const script =
      'printf %s "$ROLESANYWHERE_SIGN_SHA256" | xxd -r -p | openssl pkeyutl -sign -inkey ' +
      `'${path('rsa-2048.key.pem')}' -pkeyopt digest:sha256`;
    expect(await signByCommand(large, optionsFor('rsa-2048', shell(script)))).toHaveLength(256);
  });

  it.each([
    [
      'prints nothing',
      shell('cat > /dev/null'),
      /must print a signature by the key of the certificate, found nothing/,
    ],
    ['prints an error', shell('echo no key'), /found 7 octets that it does not verify/],
    ['signs with another key', shell(openssl('rsa-3072')), /octets that it does not verify/],
    ['fails', shell('exit 3'), /ended with status 3/],
    ['is ended', shell('kill -TERM $$'), /was ended by SIGTERM/],
    ['does not exist', ['/nowhere/sign'], /\/nowhere\/sign could not be started: ENOENT/],
    ['prints without end', shell('yes'), /printed more than 65536 octets/],
  ])('is named in the error if it %s', async (_what, command, message) => {
    await expect(signByCommand(DATA, optionsFor('rsa-2048', command))).rejects.toMatchObject({
      code: 'ERR_KEY_SIGN',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/standard input/),
    });
  });

  it('may leave a process behind that holds its standard output', async () => {
    const startedAt = performance.now();
    // Errors go elsewhere, so that the process does not hold the output of the tests.
    const script = `sleep 30 2> /dev/null & ${openssl('rsa-2048')}`;
    expect(await signByCommand(DATA, optionsFor('rsa-2048', shell(script)))).toHaveLength(256);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('is killed if it hangs, also with its own child process', async () => {
    // Both outlive the test. vitest would wait for them if they held the standard error of this process.
    const options = optionsFor('rsa-2048', shell('exec 2> /dev/null; sleep 30 & sleep 30'), {
      timeoutMs: 100,
    });
    const startedAt = performance.now();
    await expect(signByCommand(DATA, options)).rejects.toMatchObject({
      code: 'ERR_KEY_SIGN',
      message: expect.stringMatching(/did not end within 0\.1 s/),
    });
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});

describe('options of keys that are elsewhere', () => {
  const certificate = path('ec-p256.pem');

  it.each([
    [
      { signCommand: 'sign', privateKey: path('ec-p256.key.pem') },
      'ERR_OPTION_CONFLICT',
      'privateKey (--private-key) and signCommand (--sign-command) exclude each other',
    ],
    [{ signCommand: ' ' }, 'ERR_OPTION_INVALID', 'signCommand (--sign-command) must name a program'],
    [
      { signCommand: "sign 'a" },
      'ERR_OPTION_INVALID',
      "signCommand (--sign-command) has a ' that is not closed",
    ],
    [{ privateKey: 'handle:key' }, 'ERR_OPTION_INVALID', 'privateKey (--private-key) must be handle:0x'],
    [
      { privateKey: 'handle:0x81000001', tpmDevice: 'tcp:port' },
      'ERR_OPTION_INVALID',
      'tpmDevice (--tpm-device) must be a device',
    ],
  ])('%j is refused under both of its names', async (source, code, message) => {
    const error = await loadIdentity({ certificate, ...source }).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});
