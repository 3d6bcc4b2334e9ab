import { spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadIdentity } from '../../src/identity/load.js';
import type { HttpRequest } from '../../src/signing/canonical-request.js';
import { signRequest, signRequestWithTrace } from '../../src/signing/sign-request.js';
import { identity, path, text } from '../fixtures.js';

interface Vector {
  readonly name: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly intermediates?: string;
  readonly region: string;
  readonly date: string;
  readonly request: HttpRequest;
  readonly expect: {
    readonly headers: Record<string, string>;
    readonly canonicalRequest: string;
    readonly stringToSign: string;
    readonly authorization?: string;
    readonly authorizationPrefix?: string;
  };
}

/** Computed by vectors/make.py: none of the expected values has passed through our code. */
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'vectors', 'sign-request.json'), 'utf8'),
);

async function signed(vector: Vector) {
  const { certificate, privateKey, intermediates, region, date, request } = vector;
  const signer = await loadIdentity({
    certificate: path(certificate),
    privateKey: path(privateKey),
    intermediates: intermediates && path(intermediates),
  });
  return signRequestWithTrace(request, signer, { region, date: new Date(date) });
}

describe('known answers', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s', async (_name, vector) => {
    const result = await signed(vector);
    expect(result.canonicalRequest).toBe(vector.expect.canonicalRequest);
    expect(result.stringToSign).toBe(vector.expect.stringToSign);
    expect(result.request.headers).toMatchObject(vector.expect.headers);
    const { authorization = '' } = result.request.headers;
    if (vector.expect.authorization !== undefined) {
      expect(authorization).toBe(vector.expect.authorization);
    } else {
      const prefix = vector.expect.authorizationPrefix ?? 'missing';
      expect(authorization.slice(0, prefix.length)).toBe(prefix);
      const signature = Buffer.from(authorization.slice(prefix.length), 'hex');
      const key = createPublicKey(text(vector.certificate));
      expect(verify('sha256', Buffer.from(vector.expect.stringToSign), key, signature)).toBe(true);
    }
  });

  it('cover both algorithms, and chains', () => {
    const authorizations = vectors.map(
      ({ expect: { authorization, authorizationPrefix } }) => authorization ?? authorizationPrefix,
    );
    expect(authorizations.some((value) => value?.startsWith('AWS4-X509-RSA-SHA256 '))).toBe(true);
    expect(authorizations.some((value) => value?.startsWith('AWS4-X509-ECDSA-SHA256 '))).toBe(true);
    expect(vectors.some(({ expect: { headers } }) => headers['x-amz-x509-chain']?.includes(','))).toBe(true);
  });
});

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasOpenssl)('openssl (left out where it is not installed)', () => {
  it.each(['ec-p256', 'ec-p384', 'ec-p521', 'rsa-2048'])('verifies a signature by %s', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
    try {
      const signer = await identity(name);
      const file = (base: string, content: string | Uint8Array): string => {
        writeFileSync(join(folder, base), content);
        return join(folder, base);
      };
      const { request, stringToSign } = await signRequestWithTrace(REQUEST, signer, CONTEXT);
      const signature = file(
        'signature',
        Buffer.from(/Signature=([0-9a-f]+)$/.exec(request.headers['authorization'] ?? '')?.[1] ?? '', 'hex'),
      );
      const key = spawnSync('openssl', ['x509', '-in', path(`${name}.pem`), '-noout', '-pubkey'], {
        encoding: 'utf8',
      });
      const publicKey = file('public.pem', key.stdout);
      const verified = spawnSync(
        'openssl',
        ['dgst', '-sha256', '-verify', publicKey, '-signature', signature, file('text', stringToSign)],
        { encoding: 'utf8' },
      );
      expect(verified.stdout).toBe('Verified OK\n');
      const altered = spawnSync(
        'openssl',
        ['dgst', '-sha256', '-verify', publicKey, '-signature', signature, file('text', `${stringToSign} `)],
        { encoding: 'utf8' },
      );
      expect(altered.status).not.toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

const CONTEXT = { region: 'us-east-1', date: new Date('2026-06-01T12:00:00.789Z') };
const REQUEST: HttpRequest = {
  method: 'POST',
  protocol: 'https:',
  hostname: 'rolesanywhere.us-east-1.amazonaws.com',
  path: '/sessions',
  query: { profileArn: 'p' },
  headers: { 'content-type': 'application/json' },
  body: '{}',
};

describe('signRequest', () => {
  it('changes neither the request nor its parts', async () => {
    const frozen = structuredClone(REQUEST);
    Object.freeze(frozen);
    Object.freeze(frozen.headers);
    Object.freeze(frozen.query);
    const result = await signRequest(frozen, await identity('ec-p256'), CONTEXT);
    expect(frozen).toEqual(REQUEST);
    expect(result).not.toBe(frozen);
  });

  it('accepts bytes as the body, with the same result as their text', async () => {
    const signer = await identity('rsa-2048');
    const fromText = await signRequest(REQUEST, signer, CONTEXT);
    const fromBytes = await signRequest({ ...REQUEST, body: Buffer.from('{}') }, signer, CONTEXT);
    expect(fromBytes.headers).toEqual(fromText.headers);
  });

  it('refuses a body that is neither text nor bytes', async () => {
    await expect(
      signRequest({ ...REQUEST, body: new ReadableStream() }, await identity('ec-p256'), CONTEXT),
    ).rejects.toMatchObject({
      code: 'ERR_OPTION_INVALID',
      message: 'request body must be text or bytes to be signed',
    });
  });

  it('omits the chain header without a chain, even a stale one', async () => {
    const stale = { ...REQUEST, headers: { ...REQUEST.headers, 'X-Amz-X509-Chain': 'stale' } };
    const { headers } = await signRequest(stale, await identity('rsa-2048'), CONTEXT);
    expect(Object.keys(headers).map((name) => name.toLowerCase())).not.toContain('x-amz-x509-chain');
  });

  it('writes no port that the protocol implies, as HTTP clients do', async () => {
    const signer = await identity('ec-p256');
    expect((await signRequest({ ...REQUEST, port: 443 }, signer, CONTEXT)).headers['host']).toBe(
      REQUEST.hostname,
    );
    expect((await signRequest({ ...REQUEST, port: 8443 }, signer, CONTEXT)).headers['host']).toBe(
      `${REQUEST.hostname}:8443`,
    );
  });
});
