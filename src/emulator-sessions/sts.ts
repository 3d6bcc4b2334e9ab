/**
 * STS, as far as it takes part: it issues temporary credentials, and tells their holder who that is (GetCallerIdentity).
 * In: a role and the session's names, later a signed request. Out: an access key, later its identity as XML.
 * Rules: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html and …/CommonErrors.html; for the
 * prefixes `ASIA` and `AROA`,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
 */
import { createHash, randomBytes } from 'node:crypto';
import { formatBase32 } from '../emulator-account/account.js';
import type { Answer, EmulatorRequest, Operation } from '../emulator-wire/handler.js';
import { Refusal } from '../emulator-wire/handler.js';
import {
  checkScope,
  isHmacSignature,
  parseQuery,
  readHeader,
  readSignedRequest,
} from '../emulator-wire/signature.js';
import { oneLine } from '../errors.js';

export interface SessionNames {
  readonly roleArn: string;
  readonly sessionName: string;
}

export interface IssuedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Whole seconds, as AWS has it. */
  readonly expiration: Date;
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
}

const DAY_MS = 86_400_000;
/** Against a client in a loop; the oldest are forgotten first. */
const MAX_KEPT = 10_000;

export function createCredentialStore(): CredentialStore {
  const kept = new Map<string, IssuedCredentials>();
  let issuedCount = 0;

  function dropOld(at: Date): void {
    for (const [accessKeyId, { expiration }] of kept) {
      const isWorthKeeping = at.getTime() - expiration.getTime() < DAY_MS;
      if (isWorthKeeping && kept.size < MAX_KEPT) return;
      kept.delete(accessKeyId);
    }
  }

  return {
    issue(names, durationSeconds, at) {
      dropOld(at);
      const issued = createCredentials(names, durationSeconds, at);
      kept.set(issued.accessKeyId, issued);
      issuedCount += 1;
      return issued;
    },
    find: (accessKeyId) => kept.get(accessKeyId),
    get issuedCount() {
      return issuedCount;
    },
  };
}

function createCredentials(names: SessionNames, durationSeconds: number, at: Date): IssuedCredentials {
  const { roleArn, sessionName } = names;
  const [, partition = '', , , accountId = '', resource = ''] = roleArn.split(':');
  const roleName = resource.split('/').at(-1) ?? '';
  const roleId = `AROA${formatBase32(createHash('sha256').update(roleArn).digest().subarray(0, 10))}`;
  return {
    accessKeyId: `ASIA${formatBase32(randomBytes(10))}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: `IQoJ${randomBytes(300).toString('base64')}`,
    expiration: new Date((Math.floor(at.getTime() / 1000) + durationSeconds) * 1000),
    assumedRoleArn: `arn:${partition}:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    assumedRoleId: `${roleId}:${sessionName}`,
  };
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/';

const refuseWith = (status: number, code: string, message: string) => (reason: string) =>
  new Refusal(status, code, message, reason);
const incomplete = refuseWith(
  400,
  'IncompleteSignature',
  'The request signature does not conform to AWS standards.',
);
const missingToken = refuseWith(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
const invalidToken = refuseWith(
  403,
  'InvalidClientTokenId',
  'The security token included in the request is invalid.',
);
const expiredToken = refuseWith(403, 'ExpiredToken', 'The security token included in the request is expired');
/** AWS words a wrong scope and a wrong clock more closely, under the same code. */
const mismatch = refuseWith(
  403,
  'SignatureDoesNotMatch',
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
    'and signing method. Consult the service documentation for details.',
);

export function callerIdentityOperation(region: string, credentials: CredentialStore): Operation {
  return {
    routes: ['POST /', 'GET /'],
    formatRefusal: formatXmlRefusal,
    perform(request, at, requestId) {
      checkAction(request);
      const caller = authenticate(request, region, credentials, at);
      return formatCaller(caller, requestId);
    },
  };
}

/** The query protocol: the action comes in a form, or for GET in the query. */
function checkAction(request: EmulatorRequest): void {
  const raw = request.method === 'GET' ? request.rawQuery : Buffer.from(request.body).toString('latin1');
  const form = new Map(parseQuery(raw, incomplete));
  const action = form.get('Action') ?? '';
  const version = form.get('Version') ?? '';
  if (action === 'GetCallerIdentity' && version === '2011-06-15') return;
  const message = `Could not find operation ${action} for version ${version || 'NO_VERSION_SPECIFIED'}`;
  throw new Refusal(
    400,
    'InvalidAction',
    message,
    'action: the emulator has GetCallerIdentity, version 2011-06-15',
  );
}

function authenticate(
  request: EmulatorRequest,
  region: string,
  credentials: CredentialStore,
  at: Date,
): IssuedCredentials {
  if (readHeader(request, 'authorization', incomplete) === undefined) {
    throw missingToken('authorization: the header is missing');
  }
  const signed = readSignedRequest(request, ['host', 'x-amz-date', 'x-amz-security-token'], incomplete);
  if (signed.algorithm !== 'AWS4-HMAC-SHA256') {
    throw incomplete(`algorithm: expected AWS4-HMAC-SHA256, found ${signed.algorithm}`);
  }
  const caller = credentials.find(signed.keyId);
  if (caller === undefined) throw invalidToken(`access key: ${signed.keyId} was not issued by this emulator`);
  if (readHeader(request, 'x-amz-security-token', incomplete) !== caller.sessionToken) {
    throw invalidToken(`session token: is not the one issued with ${signed.keyId}`);
  }
  if (at >= caller.expiration) {
    throw expiredToken(`expiration: ${caller.expiration.toISOString()}, now is ${at.toISOString()}`);
  }
  const problem = checkScope(signed, region, 'sts', at);
  if (problem !== undefined) throw mismatch(problem);
  if (!isHmacSignature(signed, caller.secretAccessKey)) {
    const covered = `signed headers ${signed.signedHeaders.join(';')}`;
    const hash = `SHA-256 of the canonical request is ${signed.canonicalRequestHash}`;
    throw mismatch(
      `signature: not made with the secret of ${signed.keyId}, or over something else; ${covered}; ${hash}`,
    );
  }
  return caller;
}

function formatCaller(caller: IssuedCredentials, requestId: string): Answer {
  const { assumedRoleArn, assumedRoleId } = caller;
  const body = `<GetCallerIdentityResponse xmlns="${NAMESPACE}">
  <GetCallerIdentityResult>
    <Arn>${escapeXml(assumedRoleArn)}</Arn>
    <UserId>${escapeXml(assumedRoleId)}</UserId>
    <Account>${assumedRoleArn.split(':')[4]}</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>${requestId}</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
`;
  return { status: 200, contentType: 'text/xml', body, note: `GetCallerIdentity ${assumedRoleArn}` };
}

function formatXmlRefusal(refusal: Refusal, requestId: string): Answer {
  const body = `<ErrorResponse xmlns="${NAMESPACE}">
  <Error>
    <Type>${refusal.status < 500 ? 'Sender' : 'Receiver'}</Type>
    <Code>${refusal.type}</Code>
    <Message>${escapeXml(refusal.message)}</Message>
  </Error>
  <RequestId>${requestId}</RequestId>
</ErrorResponse>
`;
  return { status: refusal.status, contentType: 'text/xml', body };
}

function escapeXml(text: string): string {
  return oneLine(text).replace(/[<>&"']/g, (character) => `&#${character.codePointAt(0)};`);
}
