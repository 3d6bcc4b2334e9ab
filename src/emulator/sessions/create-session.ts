/**
 * CreateSession: checks a request and answers with credentials. The checks, numbered as in the code, with the
 * message to the client; the log names the check, what it expected and what it found.
 *
 *    1  query and body hold the members, each within its limits      `1 validation error detected: …`
 *    2  Authorization, SignedHeaders, x-amz-date can be read         `Invalid signature`, as for the next six
 *    3  certificate and chain can be read; the chain has at most five (else `Untrusted signing certificate`)
 *    4  the algorithm is the key's
 *    5  the credential scope names that day, this region, this service
 *    6  the clock is within five minutes
 *    7  Credential begins with the serial number, in decimal
 *    8  the signature verifies
 *    9  the trust anchor exists (404) and is enabled
 *   10  the certificate is an end-entity certificate  `Untrusted certificate. Insufficient certificate`
 *   11  a path leads to the trust anchor; names, revocation          `Untrusted signing certificate`
 *   12  the profile exists (404) and is enabled
 *   13  the subject is enabled  `Unable to assume role for …`, as for all below
 *   14  instance properties are present if the profile requires them
 *   15  the profile accepts the session name                         `Not authorized to set roleSessionName.`
 *   16  the profile has the role, and the role exists
 *   17  STS accepts the source identity
 *   18  the duration is within the role's maximum  … `The requested DurationSeconds exceeds …`
 *   19  STS accepts the managed policies; tags and session policies fit (`Packed policy consumes …`)
 *   20  the role's trust policy allows all three actions   … `Some attributes failed to be mapped …`
 *
 * Known: the signature is checked before trust, and the messages above are AWS's. Unknown: the order of the
 * other checks, and the messages for missing resources (404), disabled ones, certificates that are expired,
 * revoked or weak, missing instance properties, and a role outside the profile. There the emulator sends the
 * closest of these messages.
 * Rules: https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-create-session.html and
 * …/trust-model.html
 */
import type { Account, Crl, Subject, TrustAnchor } from '../account/resources.js';
import { findSubject, recordAttempt } from '../account/subjects.js';
import type { Certificate } from '../pki/certificate.js';
import type { RevocationList } from '../pki/revocation.js';
import { parseRevocationList } from '../pki/revocation.js';
import { checkLeaf, checkPath, parseTrustAnchor } from '../pki/trust.js';
import type { Answer, Operation } from '../wire/handler.js';
import { formatJsonRefusal, Refusal, refuseWith } from '../wire/handler.js';
import type { Grant } from './authorize.js';
import { authorize, findResource } from './authorize.js';
import type { CredentialStore, IssuedCredentials } from './credential-store.js';
import type { Requester } from './requester.js';
import { authenticate, must, prepare, untrusted } from './requester.js';
import type { SessionRequest } from './session-request.js';
import { readSessionRequest } from './session-request.js';

export interface SessionService {
  readonly account: Account;
  readonly credentials: CredentialStore;
  /** Refuse if an attribute could not be mapped to a session tag. */
  readonly strictAttributes: boolean;
}

const insufficient = refuseWith(
  403,
  'AccessDeniedException',
  'Untrusted certificate. Insufficient certificate',
);

export function createSessionOperation(service: SessionService): Operation {
  const { account, credentials, strictAttributes } = service;
  const checkTrust = trustChecks(account);
  return {
    routes: ['POST /sessions'],
    names: ['CreateSession'],
    formatRefusal: formatJsonRefusal,
    async perform(request, at) {
      await prepare(request);
      const asked = readSessionRequest(request); // 1
      const requester = authenticate(request, account.region, at); // 2 to 8
      checkTrust(requester, asked, at); // 9 to 11
      const { leaf } = requester;
      const subject = findSubject(account, leaf, at);
      const record = (failed: boolean) =>
        recordAttempt(subject, { leaf, properties: asked.instanceProperties, failed }, at);
      try {
        const { sourceIp } = request;
        const grant = authorize({ account, asked, leaf, subject, sourceIp, at, strictAttributes }); // 12 to 20
        record(false);
        return formatSession(issue(credentials, grant, at), grant, subject, noteOn(asked, grant));
      } catch (error) {
        if (error instanceof Refusal) record(true);
        throw error;
      }
    },
  };
}

function issue(credentials: CredentialStore, grant: Grant, at: Date): IssuedCredentials {
  const { role, sessionName, sourceIdentity } = grant;
  const names = { roleArn: role.arn, roleId: role.roleId, sessionName, sourceIdentity };
  return credentials.issue({ ...names, tags: Object.fromEntries(grant.tags) }, grant.seconds, at);
}

/** Checks 9 to 11: trust. Parsed anchors and lists are cached until their text changes. */
function trustChecks(account: Account) {
  const anchorsOf = remember<TrustAnchor, Certificate[]>(parseTrustAnchor);
  const listOf = remember<Crl, RevocationList>(parseRevocationList);
  return ({ leaf, chain }: Requester, { trustAnchorArn }: SessionRequest, at: Date): void => {
    const anchor = findResource(account.trustAnchors, 'trustAnchorArn', trustAnchorArn, 'Trust anchor'); // 9
    if (!anchor.enabled) throw untrusted(`trust anchor: ${trustAnchorArn} is disabled`);
    must(checkLeaf(leaf, at), insufficient); // 10
    const lists = [...account.crls.values()].filter(
      (crl) => crl.enabled && crl.trustAnchorArn === trustAnchorArn,
    );
    const pem = anchor.source.sourceData.x509CertificateData ?? '';
    const anchors = orRefuse('trust anchor', () => anchorsOf(anchor, pem));
    const revocationLists = orRefuse('revocation list', () => lists.map((crl) => listOf(crl, crl.crlData)));
    must(checkPath(leaf, { chain, anchors, revocationLists }, at), untrusted); // 11
  };
}

/** Refuses data that the control plane would not accept, for example from an edited state file. */
function orRefuse<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw untrusted(`${what}: ${error instanceof Error ? error.message : 'cannot be read'}`);
  }
}

function remember<Key extends object, T>(parse: (text: string) => T): (key: Key, text: string) => T {
  const kept = new WeakMap<Key, { readonly text: string; readonly value: T }>();
  return (key, text) => {
    const known = kept.get(key);
    if (known?.text === text) return known.value;
    const value = parse(text);
    kept.set(key, { text, value });
    return value;
  };
}

function noteOn({ ignoredMembers }: SessionRequest, { warning }: Grant): string {
  const ignored = ignoredMembers.length === 0 ? [] : [`ignored members: ${ignoredMembers.join(', ')}`];
  return [...ignored, warning ?? []]
    .flat()
    .map((note) => ` [warning: ${note}]`)
    .join('');
}

function formatSession(
  issued: IssuedCredentials,
  grant: Grant,
  { subjectArn }: Subject,
  warnings: string,
): Answer {
  const { accessKeyId, secretAccessKey, sessionToken, assumedRoleArn, assumedRoleId } = issued;
  const expiration = issued.expiration.toISOString().replace('.000Z', 'Z');
  const { packedPolicySize, sourceIdentity, role } = grant;
  const credentialSet = {
    assumedRoleUser: { arn: assumedRoleArn, assumedRoleId },
    credentials: { accessKeyId, expiration, secretAccessKey, sessionToken },
    packedPolicySize,
    roleArn: role.arn,
    sourceIdentity,
  };
  return {
    status: 201,
    contentType: 'application/json',
    body: JSON.stringify({ credentialSet: [credentialSet], subjectArn }),
    note: `${assumedRoleArn} until ${expiration}${warnings}`,
  };
}
