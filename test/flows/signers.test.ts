/**
 * The signing programs of examples/signers: OpenSSL's runs; Vault's and AWS's with stand-ins for their
 * command lines.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { verify, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/load.js';
import { path, text } from '../fixtures.js';

const SIGNERS = join(import.meta.dirname, '..', '..', 'examples', 'signers');
const DATA = Buffer.from('AWS4-X509-RSA-SHA256\n…');
const folder = mkdtempSync(join(tmpdir(), 'signers-'));
afterAll(() => rmSync(folder, { recursive: true }));

function standIn(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\nset -eu\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

async function isSigned(name: string, command: string): Promise<boolean> {
  const env = { ...process.env, PATH: `${folder}:${process.env['PATH']}` };
  const identity = await loadIdentity({ certificate: path(`${name}.pem`), signCommand: command }, { env });
  const signature = await identity.sign(DATA);
  return verify('sha256', DATA, new X509Certificate(text(`${name}.pem`)).publicKey, signature);
}

describe.each(['rsa-2048', 'ec-p256'])('for %s', (name) => {
  it('OpenSSL signs', async () => {
    expect(await isSigned(name, `${SIGNERS}/openssl.sh ${path(`${name}.key.pem`)}`)).toBe(true);
  });

  it("Vault's transit engine is asked for PKCS#1 v1.5 or DER, and its prefix is taken off", async () => {
    const wanted = name === 'rsa-2048' ? 'signature_algorithm=pkcs1v15' : 'marshaling_algorithm=asn1';
    standIn(
      'vault',
      `[ "$1 $2 $3" = "write -field=signature transit/sign/host/sha2-256" ] || exit 9
       [ "$5" = ${wanted} ] || exit 8
       printf 'vault:v1:'; printf %s "\${4#input=}" | base64 -d |
         openssl dgst -sha256 -sign '${path(`${name}.key.pem`)}' | base64 -w0`,
    );
    expect(await isSigned(name, `${SIGNERS}/vault-transit.sh host`)).toBe(true);
  });

  it('AWS KMS is asked to sign the digest', async () => {
    const algorithm = name === 'rsa-2048' ? 'RSASSA_PKCS1_V1_5_SHA_256' : 'ECDSA_SHA_256';
    standIn(
      'aws',
      `while [ $# -gt 0 ]; do case $1 in
         --message) file=\${2#fileb://}; shift ;;
         --message-type) [ "$2" = DIGEST ] || exit 9; shift ;;
         --signing-algorithm) [ "$2" = ${algorithm} ] || exit 8; shift ;;
         --key-id) [ "$2" = alias/host ] || exit 7; shift ;;
       esac; shift; done
       openssl pkeyutl -sign -in "$file" -inkey '${path(`${name}.key.pem`)}' -pkeyopt digest:sha256 |
         base64 -w0`,
    );
    expect(await isSigned(name, `${SIGNERS}/aws-kms.sh alias/host --profile keys`)).toBe(true);
  });
});

describe('the programs for other systems', () => {
  it('fail with a message, and the one for macOS is valid JavaScript', () => {
    for (const file of ['windows-store.ps1', 'macos-keychain.js']) {
      const words = readFileSync(join(SIGNERS, file), 'utf8').replaceAll(/\s+\*?\s*/g, ' ');
      expect(words).toMatch(
        /This script (?:is untested: the project's tests|was not run by the project's tests)/,
      );
    }
    const check = ['--check', '--input-type=commonjs', '-'];
    const input = readFileSync(join(SIGNERS, 'macos-keychain.js'));
    expect(execFileSync(process.execPath, check, { input }).toString()).toBe('');
  });
});

const noShellcheck = spawnSync('shellcheck', ['--version']).error !== undefined;

it.skipIf(noShellcheck)(`shellcheck finds nothing${noShellcheck ? ' (left out: no shellcheck)' : ''}`, () => {
  const { stdout, status } = spawnSync('sh', ['-c', `shellcheck '${SIGNERS}'/*.sh`], { encoding: 'utf8' });
  expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
});
