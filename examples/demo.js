/**
 * Shows all steps on this machine, without an AWS account: a CA and a certificate, the emulator, an AWS
 * config with one `credential_process` line, and an AWS SDK client that uses it.
 *
 *   npm run demo
 *
 * All files are in one temporary folder, which is removed at the end.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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

// Remove the folder when interrupted, too.
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
    'Your own CA issues certificates to your machines; AWS trusts it through a "trust anchor".',
    'The machine gets a certificate for CN=build-server-7; its private key stays on the machine.',
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
    'With this line, every AWS SDK and the AWS CLI get their credentials from the program:',
    'they run it, and it signs a CreateSession request with the private key.',
    '',
    '[profile onprem]',
    `credential_process = ${line}`,
  );

  say(
    '4. What the program prints',
    'Temporary credentials, valid for the emulator only.',
    'A session lasts an hour; then the SDK runs the program again.',
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
    '5. The caller: sts:GetCallerIdentity',
    'The AWS SDK for JavaScript read the config, ran the program and signed with its credentials.',
    'The session has the role, and its name is the serial number of the certificate.',
    '',
    JSON.stringify({ UserId, Account, Arn }, null, 2).replaceAll('\n', '\n   '),
  );

  const config = await readFile(join(import.meta.dirname, 'aws-config.ini'), 'utf8');
  const settings = config.split('\n').filter((text) => text !== '' && !text.startsWith('#'));
  say(
    'Against real AWS',
    'use the same line in ~/.aws/config, without --endpoint and with the ARNs of your account:',
    '',
    ...settings,
    '',
  );
} finally {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
}
