/**
 * The stages one by one, for a program that has an HTTP client of its own: load, check, sign, send, read.
 *
 *   CERTIFICATE=host.pem PRIVATE_KEY=host.key TRUST_ANCHOR_ARN=… PROFILE_ARN=… ROLE_ARN=… node examples/own-http-client.js
 */
import {
  checkIdentity,
  createSessionRequest,
  loadIdentity,
  parseSessionResponse,
  signRequest,
} from 'rolesanywhere';

const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN = '', PROFILE_ARN = '', ROLE_ARN = '' } = process.env;
const endpoint = new URL(process.env['AWS_ENDPOINT_URL'] ?? 'https://rolesanywhere.us-east-1.amazonaws.com');

const identity = await loadIdentity({ certificate: CERTIFICATE, privateKey: PRIVATE_KEY });
for (const { severity, message, remedy } of checkIdentity(identity, { now: new Date() })) {
  console.error(`${severity}: ${message}: ${remedy}`);
}

const request = createSessionRequest({
  endpoint,
  trustAnchorArn: TRUST_ANCHOR_ARN,
  profileArn: PROFILE_ARN,
  roleArn: ROLE_ARN,
  durationSeconds: 900,
});
const signed = await signRequest(request, identity, { region: 'us-east-1', date: new Date() });

const url = new URL(signed.path, endpoint);
url.search = new URLSearchParams(signed.query).toString();
const response = await fetch(url, {
  method: signed.method,
  headers: signed.headers,
  body: signed.body,
  redirect: 'error',
});

const session = parseSessionResponse(
  {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  },
  { roleArn: ROLE_ARN, now: new Date() },
);
console.log(session.assumedRole.arn, session.expiration.toISOString());
