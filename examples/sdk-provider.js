/**
 * An AWS SDK client with credentials from a certificate. Its settings come from the environment:
 *
 *   CERTIFICATE=host.pem PRIVATE_KEY=host.key TRUST_ANCHOR_ARN=… PROFILE_ARN=… ROLE_ARN=… \
 *     node examples/sdk-provider.js
 */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { fromRolesAnywhere } from 'rolesanywhere';

const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN, PROFILE_ARN, ROLE_ARN } = process.env;

const client = new STSClient({
  region: 'us-east-1',
  credentials: fromRolesAnywhere({
    certificate: CERTIFICATE,
    privateKey: PRIVATE_KEY,
    trustAnchorArn: TRUST_ANCHOR_ARN,
    profileArn: PROFILE_ARN,
    roleArn: ROLE_ARN,
  }),
});

const { Arn } = await client.send(new GetCallerIdentityCommand({}));
console.log(Arn);
