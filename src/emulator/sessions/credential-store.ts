/**
 * Issues credentials and finds them again by access key id.
 *
 * Secret and token are derived from the access key id and a random key of the store (HKDF, RFC 5869). They are
 * not kept, so that 100,000 sessions take little memory. Rules for the prefix `ASIA`:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { formatBase32 } from '../account/account.js';

/** The names and tags of a session. */
export interface SessionNames {
  readonly roleArn: string;
  /** `AROA…` */
  readonly roleId: string;
  readonly sessionName: string;
  readonly sourceIdentity?: string | undefined;
  /** Session tags, for policies `aws:PrincipalTag/<key>`. Default none. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** The keys of the tags that a chained session inherits. Default: none. */
  readonly transitiveTagKeys?: readonly string[] | undefined;
  /** The session was requested with the credentials of another. Default false. */
  readonly isChained?: boolean | undefined;
}

export interface Session extends SessionNames {
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveTagKeys: readonly string[];
  readonly issuedAt: Date;
  /** Whole seconds, as at AWS. */
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
  /**
   * Also finds sessions that expired less than a day ago, so that the answer is "expired" and not "unknown".
   */
  find(accessKeyId: string): IssuedCredentials | undefined;
  /** Number of issued sessions, including expired ones. */
  readonly issuedCount: number;
  /** Number of kept sessions, including those that expired less than a day ago. */
  readonly size: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const SECRET_BYTES = 30;
const TOKEN_BYTES = 300;

/** @param maxKept limit against a client in a loop: beyond it the oldest are dropped, expired ones first */
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

/**
 * Durations differ, so the oldest session need not expire first. Checking all takes time: at most once a
 * minute.
 */
function createSweeper(kept: Map<string, Session>, maxKept: number): (at: Date) => void {
  let sweptAtMs = Number.NEGATIVE_INFINITY;
  return (at) => {
    // The absolute distance, because the clock may be set back.
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
