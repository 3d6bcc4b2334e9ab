/** An emulated service with one authority that it trusts, and requests to it that are right. */
import type { EmulatedService, EmulatorOptions, EmulatorResponse } from '../../../src/emulator.js';
import { createEmulator } from '../../../src/emulator.js';
import type { Made } from '../pki/certificates.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import type { X509Draft } from './sign.js';
import { signX509 } from './sign.js';

export interface Fixture {
  readonly service: EmulatedService;
  readonly authority: Made;
  readonly leaf: Made;
  /** Without the clock's time and the random request id there is nothing in a line that a test cannot know. */
  readonly lines: string[];
  /** The query with the three ARNs, sorted and encoded. */
  readonly query: string;
  /** A signed request with the right query and body, where the draft has no other. */
  request(draft?: X509Draft, identity?: Made): ReturnType<typeof signX509>;
  ask(draft?: X509Draft, identity?: Made): Promise<EmulatorResponse>;
}

export function formatQuery(
  arns: Pick<EmulatedService, 'profileArn' | 'roleArn' | 'trustAnchorArn'>,
): string {
  const { profileArn, roleArn, trustAnchorArn } = arns;
  const encode = encodeURIComponent;
  return `profileArn=${encode(profileArn)}&roleArn=${encode(roleArn)}&trustAnchorArn=${encode(trustAnchorArn)}`;
}

export async function makeFixture(options: EmulatorOptions = {}, authority = makeRoot()): Promise<Fixture> {
  const lines: string[] = [];
  const leaf = makeCertificate({ issuer: authority });
  const service = await createEmulator({
    certificateAuthority: authority.pem,
    now: () => NOW,
    log: (line) => lines.push(line),
    ...options,
  });
  const query = formatQuery(service);
  const request: Fixture['request'] = (draft = {}, identity = leaf) =>
    signX509(identity, { query, body: '{"durationSeconds":3600}', ...draft });
  const ask: Fixture['ask'] = (draft, identity) => service.handle(request(draft, identity));
  return { service, authority, leaf, lines, query, request, ask };
}

export function makeRoot(): Made {
  return makeCertificate({ commonName: 'Root', isAuthority: true, serialHex: '01' });
}
