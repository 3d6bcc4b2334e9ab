/**
 * The sessions that the emulator has issued. In: a role, the session's names and tags, a duration. Out: credentials, and
 * later, by access key id, whose they are.
 * Secret and token are derived from the access key id and a key that each store draws for itself (HKDF, RFC 5869), so
 * nothing of them is kept, and 100,000 sessions take little room.
 * Rules for the prefixes `ASIA` and `AROA`:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { formatBase32 } from '../account/account.js';

/** What a session is given when it begins, and keeps. */
export interface SessionNames {
  readonly roleArn: string;
  /** `AROA…` */
  readonly roleId: string;
  readonly sessionName: string;
  readonly sourceIdentity?: string | undefined;
  /** Session tags, for policies `aws:PrincipalTag/<key>`. Default none. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Those of the tags that a chained session inherits. Default none. */
  readonly transitiveTagKeys?: readonly string[] | undefined;
  /** Whether another session's credentials asked for this one. Default false. */
  readonly isChained?: boolean | undefined;
}

export interface Session extends SessionNames {
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveTagKeys: readonly string[];
  readonly issuedAt: Date;
  /** Whole seconds, as AWS has it. */
  readonly expiration: Date;
}

export interface IssuedCredentials extends Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** `arn:aws:sts::123456789012:assumed-role/Demo/00ab` */
  readonly assumedRoleArn: string;
  /** `AROA…:00ab` */
  readonly assumedRoleId: string;
}

export interface CredentialStore {
  issue(names: SessionNames, durationSeconds: number, at: Date): IssuedCredentials;
  /** Also finds what expired less than a day ago, so that it can be called expired rather than unknown. */
  find(accessKeyId: string): IssuedCredentials | undefined;
  /** How many were issued, expired ones included. */
  readonly issuedCount: number;
  /** How many are kept, those that expired less than a day ago included. */
  readonly size: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const SECRET_BYTES = 30;
const TOKEN_BYTES = 300;

/** @param maxKept against a client in a loop: beyond it the oldest are forgotten, expired ones first; default 100,000 */
export function createCredentialStore(maxKept = 100_000): CredentialStore {
  const kept = new Map<string, Session>();
  const makeRoom = createSweeper(kept, maxKept);
  const key = randomBytes(32);
  let issuedCount = 0;
  return {
    issue(names, durationSeconds, at) {
      makeRoom(at);
      const { tags = {}, transitiveTagKeys = [] } = names;
      const expiration = new Date((Math.floor(at.getTime() / 1000) + durationSeconds) * 1000);
      const session = { ...names, tags, transitiveTagKeys, issuedAt: at, expiration };
      const accessKeyId = `ASIA${formatBase32(randomBytes(10))}`;
      kept.set(accessKeyId, session);
      issuedCount += 1;
      return formatCredentials(accessKeyId, session, key);
    },
    find(accessKeyId) {
      const session = kept.get(accessKeyId);
      return session && formatCredentials(accessKeyId, session, key);
    },
    get issuedCount() {
      return issuedCount;
    },
    get size() {
      return kept.size;
    },
  };
}

/** Sessions last unequally long, so the oldest is not the first to expire; to look at all of them takes a while. */
function createSweeper(kept: Map<string, Session>, maxKept: number): (at: Date) => void {
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  return (at) => {
    // Its distance to now counts, not its direction: the clock may be set back.
    if (Math.abs(at.getTime() - sweptAtMs) >= MINUTE_MS) {
      sweptAtMs = at.getTime();
      dropExpired(kept, at, kept.size < maxKept ? DAY_MS : 0);
    }
    for (const oldest of kept.keys()) {
      if (kept.size < maxKept) return;
      kept.delete(oldest);
    }
  };
}

function dropExpired(kept: Map<string, Session>, at: Date, keptMs: number): void {
  for (const [accessKeyId, { expiration }] of kept) {
    if (at.getTime() - expiration.getTime() >= keptMs) kept.delete(accessKeyId);
  }
}

function formatCredentials(accessKeyId: string, session: Session, key: Buffer): IssuedCredentials {
  const { roleArn, roleId, sessionName } = session;
  const [, partition = '', , , accountId = '', resource = ''] = roleArn.split(':');
  const roleName = resource.split('/').at(-1) ?? '';
  const bytes = Buffer.from(hkdfSync('sha256', key, '', accessKeyId, SECRET_BYTES + TOKEN_BYTES));
  return {
    ...session,
    accessKeyId,
    secretAccessKey: bytes.subarray(0, SECRET_BYTES).toString('base64'),
    sessionToken: `IQoJ${bytes.subarray(SECRET_BYTES).toString('base64')}`,
    assumedRoleArn: `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    assumedRoleId: `${roleId}:${sessionName}`,
  };
}
