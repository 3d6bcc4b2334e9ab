/**
 * Records subjects. The service keeps one for each distinguished name that asked for a session with a trusted
 * certificate.
 *
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/APIReference/API_SubjectDetail.html
 */
import { createHash } from 'node:crypto';
import type { Certificate } from '../pki/certificate.js';
import { formatArn } from './account.js';
import type { Account, Subject } from './resources.js';

/** The newest entries that are kept of credentials and of instance properties. AWS's number is unknown. */
const MAX_KEPT = 50;

/**
 * Finds or creates the subject of a certificate. Its id is derived from the name, so that it survives a
 * restart.
 */
export function findSubject(account: Account, { subject }: Certificate, at: Date): Subject {
  const hash = createHash('sha256').update(`${account.accountId} ${subject.text}`).digest('hex');
  const id = hash.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
  const seenAt = at.toISOString();
  const found: Subject = account.subjects.get(id) ?? {
    subjectId: id,
    subjectArn: formatArn(account, `subject/${id}`),
    enabled: true,
    x509Subject: subject.text,
    lastSeenAt: seenAt,
    createdAt: seenAt,
    updatedAt: seenAt,
    credentials: [],
    instanceProperties: [],
  };
  account.subjects.set(id, found);
  return found;
}

export interface Attempt {
  readonly leaf: Certificate;
  readonly properties: Readonly<Record<string, string>> | undefined;
  readonly failed: boolean;
}

/**
 * Records the use of a certificate: one entry for each certificate and for each set of instance properties.
 */
export function recordAttempt(subject: Subject, { leaf, properties, failed }: Attempt, at: Date): void {
  const seenAt = at.toISOString();
  const serialNumber = leaf.serialNumber.toString();
  const issuer = leaf.issuer.text;
  subject.lastSeenAt = seenAt;
  subject.updatedAt = seenAt;
  const credential = {
    ...{ enabled: true, failed, issuer, seenAt, serialNumber },
    x509CertificateData: leaf.x509.toString(),
  };
  subject.credentials = replaceLatest(
    subject.credentials,
    (other) => other.serialNumber === serialNumber && other.issuer === issuer,
    credential,
  );
  if (properties === undefined) return;
  const text = JSON.stringify(properties);
  subject.instanceProperties = replaceLatest(
    subject.instanceProperties,
    (other) => JSON.stringify(other.properties) === text,
    { failed, properties, seenAt },
  );
}

function replaceLatest<T>(list: readonly T[], isSame: (other: T) => boolean, latest: T): T[] {
  return [...list.filter((other) => !isSame(other)), latest].slice(-MAX_KEPT);
}
