/**
 * The whole path on this machine, without an AWS account: a certificate authority and a certificate, the local
 * service, an AWS config with one `credential_process` line, and a real AWS SDK client that uses it.
 *
 *   npm run demo
 *
 * Everything it makes lives in one temporary folder, which is gone when it ends.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, startEmulator } from 'rolesanywhere/emulator';

const program = join(import.meta.dirname, '..', 'dist', 'bin.cjs');
const folder = await mkdtemp(join(tmpdir(), 'rolesanywhere-demo-'));
/** @param {string} name */
const file = (name) => join(folder, name);

/**
 * @param {string} title
 * @param {string[]} lines
 */
function say(title, ...lines) {
  console.log(`\n== ${title}\n${lines.map((line) => `   ${line}`).join('\n')}`);
}

/** @param {string} line the value of a credential_process setting, as the AWS CLI splits it */
async function runLine(line) {
  const [command = '', ...args] = (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));
  const { stdout } = await promisify(execFile)(command, args);
  return stdout;
}

// Interrupted, too, it leaves nothing behind.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
}

const authority = await createAuthority({ commonName: 'Demo CA' });
const host = await authority.issue({ commonName: 'build-server-7' });
await writeFile(file('host.pem'), host.certificate);
await writeFile(file('host.key'), host.privateKey, { mode: 0o600 });
const emulator = await startEmulator({ certificateAuthority: authority.certificate });

try {
  say(
    '1. A certificate authority and a certificate',
    'Your own CA vouches for your machines; AWS will be told to trust it (a "trust anchor").',
    'The machine gets a certificate for CN=build-server-7, and keeps its key to itself.',
  );
  say(
    '2. The service',
    `A local IAM Roles Anywhere and STS at ${emulator.endpoint}, with that CA as its trust anchor.`,
    'It verifies what AWS verifies: signature, certificate, chain, clock.',
  );

  const line = [
    `"${process.execPath}" "${program}" credential-process`,
    `--certificate "${file('host.pem')}" --private-key "${file('host.key')}"`,
    `--trust-anchor-arn ${emulator.trustAnchorArn} --profile-arn ${emulator.profileArn}`,
    `--role-arn ${emulator.roleArn} --endpoint ${emulator.endpoint}`,
  ].join(' ');
  await writeFile(
    file('config'),
    `[profile onprem]\nregion = ${emulator.region}\ncredential_process = ${line}\n`,
  );
  say(
    '3. The AWS config',
    'One line makes every AWS SDK and the AWS CLI ask us for credentials:',
    'they run the program, and it signs a CreateSession request with the key.',
    '',
    '[profile onprem]',
    `credential_process = ${line}`,
  );

  say(
    '4. What the program prints',
    'Temporary credentials (these are worth something to the local service only).',
    'A real session ends after an hour, and the SDK comes back for the next one.',
    '',
    await runLine(line),
  );

  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  process.env['AWS_CONFIG_FILE'] = file('config');
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = file('none');
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const client = new STSClient({ profile: 'onprem', region: emulator.region, endpoint: emulator.endpoint });
  const { Account, Arn, UserId } = await client.send(new GetCallerIdentityCommand({}));
  client.destroy();
  say(
    '5. Who we are now: sts:GetCallerIdentity',
    'The AWS SDK for JavaScript read the config, ran the program and signed with what it printed.',
    'The service knows the role, and names the session after the serial number of the certificate.',
    '',
    JSON.stringify({ UserId, Account, Arn }, null, 2).replaceAll('\n', '\n   '),
  );

  say(
    'Against real AWS',
    'the same line in ~/.aws/config, without --endpoint, with the ARNs of your account:',
    '',
    '[profile onprem]',
    'region = us-east-1',
    'credential_process = rolesanywhere credential-process --cache --certificate /etc/pki/host.pem --private-key /etc/pki/host.key --trust-anchor-arn arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/TA_ID --profile-arn arn:aws:rolesanywhere:us-east-1:111122223333:profile/PROFILE_ID --role-arn arn:aws:iam::111122223333:role/ROLE_NAME',
    '',
  );
} finally {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
}
