/**
 * A job for cron, in TypeScript: it starts, works with AWS, and ends. `cache: true` shares the session with
 * the runs before and after it, so that a job that starts every minute sends about one request per hour.
 *
 * Node.js 22.18 and later run it as it is; for Node.js 20, compile it first.
 *
 *   15 2 * * *  node /opt/jobs/nightly-job.ts
 */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromRolesAnywhere } from 'rolesanywhere';

const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN, PROFILE_ARN, ROLE_ARN } = process.env;

async function run(client: STSClient): Promise<void> {
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  console.log(`working as ${Arn}`);
}

const credentials = fromRolesAnywhere({
  certificate: CERTIFICATE,
  privateKey: PRIVATE_KEY,
  trustAnchorArn: TRUST_ANCHOR_ARN,
  profileArn: PROFILE_ARN,
  roleArn: ROLE_ARN,
  cache: true,
});
const client = new STSClient({ region: 'us-east-1', credentials });
try {
  await run(client);
} catch (error) {
  // One line: cron mails what a job prints. The hint says what to do.
  const { message, hint } = error as Error & { hint?: string };
  console.error(hint === undefined ? message : `${message}: ${hint}`);
  process.exitCode = 1;
} finally {
  client.destroy();
  credentials.dispose();
}
