/** Requests with common signing mistakes, by an independent signer. */
import { createHash, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Fixture } from '../sessions/fixture.js';
import { makeFixture } from '../sessions/fixture.js';
import type { X509Draft } from '../sessions/sign.js';
import { signHmac } from '../sessions/sign.js';

const HOST = 'rolesanywhere.us-east-1.amazonaws.com';
const sha256 = (text: string | Buffer) => createHash('sha256').update(text).digest();
const hex = (text: string) => sha256(text).toString('hex');
const BODY = '{"durationSeconds":3600}';

/** The text that the client signs by mistake. */
const replaced = (from: string, to: string): X509Draft => ({
  canonical: (text) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  },
});
const signed = (change: (stringToSign: string) => string | Buffer): X509Draft => ({
  signer: (data, key) => sign('sha256', Buffer.from(change(data.toString())), key),
});

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture();
});

const MISTAKES: ReadonlyArray<readonly [says: string, draft: X509Draft]> = [
  ['encoded the query twice', replaced('%', '%25')],
  ['did not encode the query', { canonical: (text) => text.replaceAll('%3A', ':').replaceAll('%2F', '/') }],
  ['did not encode / in the query', replaced('%2F', '/')],
  ['did not encode : in the query', replaced('%3A', ':')],
  [
    'encoded with lower-case hexadecimals',
    { canonical: (text) => text.replaceAll('%3A', '%3a').replaceAll('%2F', '%2f') },
  ],
  ['left the query out', { canonical: (text) => text.replace(/\nprofileArn.*/, '\n') }],
  ['signed host:localhost', replaced(`host:${HOST}`, 'host:localhost')],
  [`signed host:${HOST}:443`, replaced(`host:${HOST}`, `host:${HOST}:443`)],
  [
    'signed host:127.0.0.1',
    { headers: { host: '127.0.0.1:8080' }, ...replaced('host:127.0.0.1:8080', 'host:127.0.0.1') },
  ],
  [
    'signed host:localhost:8080',
    { headers: { host: '127.0.0.1:8080' }, ...replaced('host:127.0.0.1', 'host:localhost') },
  ],
  [
    `signed host:${HOST}`,
    { headers: { host: '127.0.0.1:8080' }, ...replaced('host:127.0.0.1:8080', `host:${HOST}`) },
  ],
  ['hashed an empty body', replaced(hex(BODY), hex(''))],
  ['hashed the body {}', replaced(hex(BODY), hex('{}'))],
  ['hashed its body and a line break', replaced(hex(BODY), hex(`${BODY}\n`))],
  ['hashed its body, formatted in another way', replaced(hex(BODY), hex('{"durationSeconds": 3600}'))],
  ['signed UNSIGNED-PAYLOAD for the hash of the body', replaced(hex(BODY), 'UNSIGNED-PAYLOAD')],
  ['wrote the hash of the body in upper case', replaced(hex(BODY), hex(BODY).toUpperCase())],
  ['signed the path with a / at its end', replaced('POST\n/sessions\n', 'POST\n/sessions/\n')],
  ['signed the path /', replaced('POST\n/sessions\n', 'POST\n/\n')],
  ['left the path out', replaced('POST\n/sessions\n', 'POST\n\n')],
  ['did not trim the values of headers', { headers: { 'x-extra': ' a  b ' } }],
  ['left out the empty line after the headers', replaced('\n\n', '\n')],
  ['signed an empty x-amz-x509-chain', replaced('\n\n', '\nx-amz-x509-chain:\n\n')],
  [
    'signed its content-type without parameters',
    { headers: { 'content-type': 'application/json; charset=utf-8' }, ...replaced('; charset=utf-8', '') },
  ],
  [
    'names content-type and did not sign it',
    { canonical: (text) => text.replace(/content-type:.*\n/, '').replace('content-type;', '') },
  ],
  [
    'named content-type and left out its line',
    { canonical: (text) => text.replace(/content-type:.*\n/, '') },
  ],
  [
    'signed accept and does not name it',
    {
      unsigned: { accept: '*/*' },
      canonical: (text) =>
        text
          .replace('content-type:', 'accept:*/*\ncontent-type:')
          .replace('content-type;', 'accept;content-type;'),
    },
  ],
  ['ended its canonical request with a line break', { canonical: (text) => `${text}\n` }],
  ['divided its canonical request by CR LF', { canonical: (text) => text.replaceAll('\n', '\r\n') }],
  ['signed the hash of the canonical request alone', signed((text) => text.split('\n')[3] ?? '')],
  ['ended its string to sign with a line break', signed((text) => `${text}\n`)],
  ['hashed the string to sign before it signed it, which hashes it', signed(sha256)],
  ['signed the hexadecimal hash of the string to sign', signed(hex)],
  [
    'wrote AWS4-HMAC-SHA256 in its string to sign',
    signed((text) => text.replace(/^\S+/, 'AWS4-HMAC-SHA256')),
  ],
  [
    'wrote the hash in upper case',
    signed((text) => text.replace(/[0-9a-f]{64}$/, (hash) => hash.toUpperCase())),
  ],
];

describe('the client', () => {
  it.each(MISTAKES)('%s', async (says, draft) => {
    const { ask, lines, service } = fixture;
    expect((await ask(draft)).status).toBe(403);
    expect(lines.at(-1)).toContain(
      `AccessDeniedException: Invalid signature [signature: the client ${says}]`,
    );
    expect(service.sessionCount).toBe(0);
  });

  it('put the serial number in front of its scope', async () => {
    const { ask, lines, leaf } = fixture;
    await ask(signed((text) => text.replace(/\n(\d{8}\/)/, `\n${leaf.serial}/$1`)));
    expect(lines.at(-1)).toContain('[signature: the client put the serial number in front of its scope]');
  });

  it('made an unknown mistake', async () => {
    const { ask, lines } = fixture;
    await ask({ canonical: (text) => text.replace('POST', 'PUT') });
    expect(lines.at(-1)).toMatch(
      /\[signature: does not verify; signed headers [\w;-]+; SHA-256 of the canonical request is \w{64}]$/,
    );
  });
});

describe('verbose', () => {
  it('shows both sides and the first difference', async () => {
    const { ask, lines, leaf } = await makeFixture({ verbose: true });
    await ask(replaced(`host:${HOST}`, 'host:localhost'));
    const certificate = leaf.der.toString('base64');
    const shown = lines.join('\n');
    expect(lines[0]).toMatch(
      /^2026-06-01T12:00:00\.000Z POST \/sessions 403 AccessDeniedException: Invalid signature/,
    );
    expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
    const own = lines.slice(lines.indexOf('  canonical request, as the emulator has it:'));
    expect(own.slice(1, 3)).toEqual(['    POST', '    /sessions']);
    expect(own[4]).toBe('    content-type:application/json');
    expect(own[5]).toBe(`  > host:${HOST}`);
    expect(own[6]).toBe('    x-amz-date:20260601T120000Z');
    const theirs = lines.slice(lines.indexOf('  canonical request, as the client has it:'));
    expect(theirs[5]).toBe('  > host:localhost');
    expect(lines.filter((line) => line.startsWith('  > '))).toHaveLength(4);
    expect(lines.filter((line) => /^ {2}> [0-9a-f]{64}$/.test(line))).toHaveLength(2);
    expect(lines.at(-1)).toBe('  The signature fits where the client signed host:localhost.');
    // Long values are shortened.
    expect(shown).not.toContain(certificate);
    expect(shown).toContain(`(${certificate.length + 'x-amz-x509:'.length} characters)`);
  });

  it('shows the differing part of a long line', async () => {
    const { ask, lines, query } = await makeFixture({ verbose: true });
    // This mistake is unknown, so the client sends its canonical request.
    const canonical = (text: string) => text.replace('role%2FDemo', 'role/Demo');
    let offered = '';
    await ask({ canonical: (text) => (offered = canonical(text)) });
    const unsigned = { 'x-emulator-canonical-request': Buffer.from(offered).toString('base64') };
    lines.length = 0;
    await ask({ canonical, unsigned });
    const [own = '', theirs = ''] = lines.filter((line) => line.startsWith('  > …'));
    expect(own).toContain('role%2FDemo');
    expect(theirs).toContain('role/Demo');
    expect(own.length).toBeLessThan(query.length);
  });

  it('compares the canonical request that the client sends, and states whether it was signed', async () => {
    const { ask, request, lines, query } = await makeFixture({ verbose: true });
    const canonical = (text: string) => text.replace('POST', 'PUT');
    let offered = '';
    request({ canonical: (text) => (offered = canonical(text)) });
    const unsigned = { 'x-emulator-canonical-request': Buffer.from(offered).toString('base64') };
    await ask({ canonical, unsigned });
    expect(lines).toContain('  > PUT');
    expect(lines.at(-1)).toBe('  The client told its side, which is what it signed.');
    lines.length = 0;
    await ask({ canonical: (text) => `${canonical(text)}!`, unsigned });
    expect(lines.at(-1)).toBe('  The client told its side, which is not what it signed.');
    // Control characters of a client do not reach the terminal.
    lines.length = 0;
    const hostile = {
      'x-emulator-canonical-request': Buffer.from(`POST\n\x1b[2J\n${query}`).toString('base64'),
    };
    await ask({ canonical, unsigned: hostile });
    expect(lines.join('')).not.toContain('\x1b');
  });

  it("states how to get the client's canonical request if it is unknown", async () => {
    const { ask, lines } = await makeFixture({ verbose: true });
    await ask({ canonical: (text) => text.replace('POST', 'PUT') });
    expect(lines.filter((line) => line.includes('as the client has it'))).toEqual([]);
    expect(lines.join(' ')).toContain("The client's side is unknown, and its key may be another one.");
  });

  it('wraps long reasons only', async () => {
    const { ask, lines } = await makeFixture({ verbose: true });
    await ask({ query: '' });
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.slice(1).every((line) => line.length <= 130)).toBe(true);
    expect(lines.slice(1).every((line) => line.startsWith('  '))).toBe(true);
  });

  it('never shows the token of a session', async () => {
    const { service, ask, lines } = await makeFixture({ verbose: true });
    const { credentialSet } = JSON.parse((await ask()).body);
    const { accessKeyId, secretAccessKey, sessionToken } = credentialSet[0].credentials;
    const keys = { accessKeyId, secretAccessKey, sessionToken };
    const unsigned = {
      'x-emulator-canonical-request': Buffer.from(
        `POST\n/\nx-amz-security-token:${sessionToken}\n${sessionToken}!`,
      ).toString('base64'),
    };
    await service.handle(signHmac({ ...keys, canonical: (text) => text.replace('POST', 'PUT'), unsigned }));
    await service.handle(signHmac({ ...keys, canonical: (text) => `${text}\n` }));
    const shown = lines.join('\n');
    expect(shown).toContain('SignatureDoesNotMatch');
    expect(shown).toContain('\n  signature: the client ended its canonical request with a line break\n');
    expect(shown).toContain('x-amz-security-token:(not shown)');
    for (const secret of [sessionToken, sessionToken.slice(10, 40), secretAccessKey]) {
      expect(shown).not.toContain(secret);
    }
  });
});
