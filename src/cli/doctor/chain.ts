/** Draws the chain of a certificate as a tree from leaf to root, and checks the trust anchor that is given. */
import { IdentityError } from '../../errors.js';
import type { Certificate } from '../../identity/certificate.js';
import { describeKey } from '../../identity/keys/algorithms.js';
import { issuersOf } from '../../identity/links.js';
import type { Line } from './line.js';
import { failed, ok } from './line.js';

/** Facts about a chain. */
export interface KnownChain {
  readonly leaf: Certificate;
  /** Sent with a request. */
  readonly chain: readonly Certificate[];
  /** The certificates of `--ca`; undefined without it. */
  readonly anchors: readonly Certificate[] | undefined;
}

/** The certificates from the leaf to a trust anchor, both included; undefined if no path leads there. */
function pathToAnchor({ leaf, chain, anchors = [] }: KnownChain): readonly Certificate[] | undefined {
  const climb = (path: readonly Certificate[]): readonly Certificate[] | undefined => {
    const top = path.at(-1) ?? leaf;
    const anchor = issuersOf(top, anchors)[0];
    if (anchor !== undefined) return [...path, anchor];
    for (const issuer of issuersOf(top, chain)) {
      const found = path.includes(issuer) ? undefined : climb([...path, issuer]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return climb([leaf]);
}

/** Upwards through the certificates that are sent. */
function pathUp({ leaf, chain }: KnownChain): readonly Certificate[] {
  const path = [leaf];
  for (;;) {
    const [next] = issuersOf(path.at(-1) ?? leaf, chain).filter((one) => !path.includes(one));
    if (next === undefined) return path;
    path.push(next);
  }
}

export function drawChain(known: KnownChain): string[] {
  const complete = pathToAnchor(known);
  const path = complete ?? pathUp(known);
  const top = path.at(-1) ?? known.leaf;
  const names = path.map((one, index) => {
    const isAnchor = complete !== undefined && index === path.length - 1;
    const role = index === 0 ? 'leaf' : isAnchor ? 'trust anchor, not sent' : 'intermediate, sent';
    return `${nameOf(one)} (${role}; ${describeKey(one.publicKey)}, until ${day(one.notAfter)})`;
  });
  const missing = `${top.issuer || 'an issuer without a name'} (not sent: must be in the trust anchor)`;
  const isWhole = complete !== undefined || top.isSelfSigned;
  return (isWhole ? names : [...names, missing]).map((name, depth) =>
    depth === 0 ? name : `${'   '.repeat(depth - 1)}└─ ${name}`,
  );
}

function nameOf({ subject, serialNumber }: Certificate): string {
  return subject || `serial number ${serialNumber}`;
}

function day(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

const WEAK_HASH = /^(md\d|sha1|sha224)$/;

/** The rules of the service for trust anchors: CA:TRUE, keyCertSign, SHA-256 or stronger, valid now. */
const ANCHOR_RULES: ReadonlyArray<(one: Certificate, now: Date) => IdentityError | undefined> = [
  ({ isCa }) =>
    isCa === true
      ? undefined
      : anchorError(
          'ERR_CHAIN_NOT_CA',
          'must have basicConstraints CA:TRUE',
          'give the certificate of the CA',
        ),
  ({ keyUsage }) =>
    keyUsage?.includes('keyCertSign') === true
      ? undefined
      : anchorError(
          'ERR_CHAIN_NOT_CA',
          `must have keyUsage keyCertSign, found ${keyUsage?.join(', ') ?? 'no keyUsage'}`,
          'issue the CA certificate again with keyUsage = critical, keyCertSign, cRLSign',
        ),
  ({ signatureHash }) =>
    WEAK_HASH.test(signatureHash)
      ? anchorError(
          'ERR_CERTIFICATE_SIGNATURE',
          `must be signed with SHA-256 or stronger, found ${signatureHash.toUpperCase()}`,
          'issue the CA certificate again with SHA-256',
        )
      : undefined,
  ({ notAfter }, now) =>
    now > notAfter
      ? anchorError('ERR_CHAIN_EXPIRED', `expired on ${notAfter.toISOString()}`, 'renew the CA certificate')
      : undefined,
  ({ notBefore }, now) =>
    now < notBefore
      ? anchorError(
          'ERR_CHAIN_NOT_YET_VALID',
          `is not valid before ${notBefore.toISOString()}`,
          'wait until then; if the date of this machine is wrong, set the clock',
        )
      : undefined,
];

type AnchorCode = ConstructorParameters<typeof IdentityError>[0];

function anchorError(code: AnchorCode, message: string, hint: string): IdentityError {
  return new IdentityError(code, message, { hint });
}

export function anchorLines(
  known: KnownChain | undefined,
  anchors: readonly Certificate[],
  now: Date,
): Line[] {
  const rules = anchors.flatMap((anchor) => anchorRuleLines(anchor, now));
  return known === undefined ? rules : [...rules, pathLine({ ...known, anchors })];
}

function anchorRuleLines(anchor: Certificate, now: Date): Line[] {
  const problems = ANCHOR_RULES.flatMap((rule) => rule(anchor, now) ?? []);
  if (problems.length === 0) {
    return [ok('trust anchor', `${nameOf(anchor)}: CA:TRUE, keyCertSign, until ${day(anchor.notAfter)}`)];
  }
  return problems.map(({ code, message, hint }) =>
    failed('trust anchor', new IdentityError(code, `${nameOf(anchor)} ${message}`, { hint })),
  );
}

function pathLine(known: KnownChain): Line {
  const path = pathToAnchor(known);
  if (path !== undefined) {
    const links = path.length - 1;
    const names = path.slice(1).map(nameOf);
    return ok(
      'path to the anchor',
      `verified, ${links} signature${links === 1 ? '' : 's'}: ${names.join(' ← ')}`,
    );
  }
  const top = pathUp(known).at(-1) ?? known.leaf;
  const names = (known.anchors ?? []).map(nameOf).join('; ');
  return failed(
    'path to the anchor',
    new IdentityError('ERR_CHAIN_BROKEN', `${nameOf(top)} was issued by ${top.issuer}, found ${names}`),
    [
      `if ${top.issuer} is an intermediate CA, give its certificate with --intermediates`,
      'otherwise the trust anchor is not the CA of this certificate: create a trust anchor with the right CA',
      'a CA that was created again under the same name has another key: compare the key identifiers',
    ],
  );
}
