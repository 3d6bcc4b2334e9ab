/**
 * Keeps an identity up to date: for programs that run longer than a certificate lasts.
 *
 * The files are checked (stat) before each use, not watched: that notices a rename, a switched symbolic link
 * (Kubernetes' `..data`) and a file written in place alike, also on network file systems, where notifications
 * get lost, and costs nothing in between. Certificate, key and chain are one unit: if a file changes while
 * they are read, they are read again.
 */
import { isRolesAnywhereError } from '../errors.js';
import { stampOfFile } from '../files/read-file.js';
import type { SigningIdentity } from './identity.js';
import type { IdentitySource } from './identity-source.js';
import { INPUT_NAMES } from './identity-source.js';
import { isPath } from './text-forms.js';

export interface RotationContext {
  /** Such as `loadIdentity`. */
  readonly load: () => Promise<SigningIdentity>;
  /** Throws if the service would refuse the identity now. */
  readonly assertUsableIdentity: (identity: SigningIdentity) => unknown;
  readonly now: () => Date;
}

/** Called once for each unusable state of the files, while the previous identity is used. */
type Warn = (message: string) => void;

interface Snapshot {
  readonly identity: SigningIdentity;
  /** Identifies the state of its files. */
  readonly stamp: string;
}

/** Writing a pair takes milliseconds. A state that keeps changing is used if its certificate and key fit. */
const MAX_READS = 3;

/**
 * New files are used from the next call on, if the service would accept their pair; else the previous
 * identity is used, as long as the service would accept it.
 *
 * @returns a function that throws as `load` or `assertUsableIdentity` do, if no previous identity is usable
 */
export function rotatingIdentity(
  source: IdentitySource,
  context: RotationContext,
): (warn?: Warn) => Promise<SigningIdentity> {
  let kept: Snapshot | undefined;
  let warned: string | undefined;
  return async (warn) => {
    const stamp = await stampOf(source);
    // A file may hold the next certificate too: after the expiry it is read again.
    if (kept?.stamp === stamp && isWithinValidity(kept.identity, context.now())) return kept.identity;
    try {
      const fresh = await loadWhole(source, context, stamp);
      // The first pair replaces none: the checks of the session cover it.
      if (kept !== undefined) context.assertUsableIdentity(fresh.identity);
      kept = fresh;
      warned = undefined;
      return fresh.identity;
    } catch (error) {
      if (kept === undefined || !isUsable(kept.identity, context)) throw error;
      if (warned !== stamp) warn?.(describe(error, kept.identity));
      warned = stamp;
      return kept.identity;
    }
  };
}

async function loadWhole(
  source: IdentitySource,
  { load }: RotationContext,
  stamp: string,
): Promise<Snapshot> {
  let before = stamp;
  for (let reads = 1; ; reads++) {
    const identity = await load().catch((error: unknown) => ({ error }));
    const after = await stampOf(source);
    if (after === before || reads === MAX_READS) {
      if ('error' in identity) throw identity.error;
      return { identity, stamp: after };
    }
    before = after;
  }
}

function isUsable(identity: SigningIdentity, { assertUsableIdentity }: RotationContext): boolean {
  try {
    assertUsableIdentity(identity);
    return true;
  } catch {
    return false;
  }
}

/** The chain counts too: the files may hold another way to the trust anchor. */
function isWithinValidity({ certificate, chain }: SigningIdentity, now: Date): boolean {
  return [certificate, ...chain].every(({ notBefore, notAfter }) => notBefore <= now && now <= notAfter);
}

function describe(error: unknown, { certificate }: SigningIdentity): string {
  const reason = isRolesAnywhereError(error) ? error.message : 'they cannot be loaded';
  const until = certificate.notAfter.toISOString();
  return `the changed certificate and key are not used: ${reason}; the previous ones are, until ${until}`;
}

async function stampOf(source: IdentitySource): Promise<string> {
  const stamps = INPUT_NAMES.map(async (name) => {
    const input = source[name];
    return isPath(input) ? stampOfFile(input) : '';
  });
  return (await Promise.all(stamps)).join(' ');
}
