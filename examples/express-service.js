/**
 * An Express service whose AWS clients get their credentials from a certificate. One provider serves all
 * requests: it creates a session at the first one, refreshes it in the background, and uses a renewed
 * certificate without a restart.
 *
 *   CERTIFICATE=host.pem PRIVATE_KEY=host.key TRUST_ANCHOR_ARN=… PROFILE_ARN=… ROLE_ARN=… PORT=3000 \
 *     node express-service.js
 */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import express from 'express';
import { fromRolesAnywhere } from 'rolesanywhere';

const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN, PROFILE_ARN, ROLE_ARN, PORT = '3000' } = process.env;

const credentials = fromRolesAnywhere({
  certificate: CERTIFICATE,
  privateKey: PRIVATE_KEY,
  trustAnchorArn: TRUST_ANCHOR_ARN,
  profileArn: PROFILE_ARN,
  roleArn: ROLE_ARN,
  logger: console,
});
const sts = new STSClient({ region: 'us-east-1', credentials });

const app = express();

app.get('/identity', async (_request, response) => {
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  response.json({ arn: Arn });
});

// For a load balancer: ready when there are credentials. This calls AWS only if the provider has none.
app.get('/ready', async (_request, response) => {
  try {
    const { expiration } = await credentials();
    response.json({ expiration });
  } catch (error) {
    // Codes are stable; messages may name files, and are for the log.
    response.status(503).json({ code: error instanceof Error && 'code' in error ? error.code : 'unknown' });
  }
});

const server = app.listen(Number(PORT), '127.0.0.1', () => {
  const address = server.address();
  console.log(`listening on ${typeof address === 'object' ? address?.port : address}`);
});

process.once('SIGTERM', () => {
  credentials.dispose();
  server.close(() => sts.destroy());
});
