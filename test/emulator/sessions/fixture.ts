/** An emulated service with one trusted authority, and valid requests to it. */
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
  /** The lines of the log. */
  readonly lines: string[];
  /** The query with the three ARNs, sorted and encoded. */
  readonly query: string;
  /** A signed request with a valid query and body, unless the draft has others. */
  request(draft?: X509Draft, identity?: Made): ReturnType<typeof signX509>;
  ask(draft?: X509Draft, identity?: Made): Promise<EmulatorResponse>;
}

export function formatQuery(
  arns: Pick<EmulatedService, 'profileArn' | 'roleArn' | 'trustAnchorArn'>,
): string {
  const { profileArn, roleArn, trustAnchorArn } = arns;
  const pairs = Object.entries({ profileArn, roleArn, trustAnchorArn });
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
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
