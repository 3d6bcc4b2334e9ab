/**
 * Runs the stages one by one, for a program with its own HTTP client: load, check, sign, send, parse.
 *
 *   CERTIFICATE=host.pem PRIVATE_KEY=host.key TRUST_ANCHOR_ARN=… PROFILE_ARN=… ROLE_ARN=… \
 *     node examples/own-http-client.js
 */
import {
  checkIdentity,
  createSessionRequest,
  loadIdentity,
  parseSessionResponse,
  signRequest,
} from 'rolesanywhere';

const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN = '', PROFILE_ARN = '', ROLE_ARN = '' } = process.env;
const region = 'us-east-1';
const endpoint = new URL(process.env['AWS_ENDPOINT_URL'] ?? `https://rolesanywhere.${region}.amazonaws.com`);

const identity = await loadIdentity({ certificate: CERTIFICATE, privateKey: PRIVATE_KEY });
const findings = checkIdentity(identity);
for (const { severity, message, hint } of findings) console.error(`${severity}: ${message}: ${hint}`);
if (findings.some(({ severity }) => severity === 'error')) process.exit(1);

const request = createSessionRequest({
  endpoint,
  trustAnchorArn: TRUST_ANCHOR_ARN,
  profileArn: PROFILE_ARN,
  roleArn: ROLE_ARN,
  durationSeconds: 900,
});
const signed = await signRequest(request, identity, { region, date: new Date() });

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
  { roleArn: ROLE_ARN, now: () => new Date() },
);
console.log(session.assumedRole.arn, session.expiration.toISOString());
