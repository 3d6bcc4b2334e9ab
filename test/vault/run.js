/**
 * `npm run test:vault`: logs in to the real AWS auth method of HashiCorp Vault with the data of `vault-login`,
 * and the emulator in place of STS. It compiles the plugin (main.go), which takes a minute or more, and needs
 * Go and the modules of go.sum: `go mod download` in this folder fetches them.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, startEmulator } from 'rolesanywhere/emulator';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'bin.cjs');
const execute = promisify(execFile);
const SERVER_ID = 'vault.example.com';

const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-vault-'));
const plugin = join(folder, 'plugin');
execFileSync('go', ['build', '-buildvcs=false', '-o', plugin, '.'], {
  cwd: import.meta.dirname,
  stdio: 'inherit',
});

const authority = await createAuthority();
const host = await authority.issue({ commonName: 'host-1' });
// The plugin sends the requests here under the names that they were signed for.
const allowHosts = ['sts.amazonaws.com', 'sts.us-east-1.amazonaws.com'];
const emulator = await startEmulator({ certificateAuthority: authority.certificate, allowHosts });
const { endpoint, trustAnchorArn, profileArn, roleArn } = emulator;
writeFileSync(join(folder, 'host.pem'), host.certificate);
writeFileSync(join(folder, 'host.key'), host.privateKey, { mode: 0o600 });

/**
 * @param {readonly string[]} flags of vault-login
 * @param {string} serverId the plugin's iam_server_id_header_value
 * @param {string} principal the role that the plugin's role is bound to
 */
async function logIn(flags, serverId = '', principal = roleArn) {
  const identity = ['--certificate', join(folder, 'host.pem'), '--private-key', join(folder, 'host.key')];
  const arns = ['--trust-anchor-arn', trustAnchorArn, '--profile-arn', profileArn, '--role-arn', roleArn];
  const args = [PROGRAM, 'vault-login', ...identity, ...arns, '--endpoint', endpoint, ...flags];
  const { stdout } = await execute(process.execPath, args);
  const file = join(folder, 'login.json');
  writeFileSync(file, stdout, { mode: 0o600 });
  const command = `"$1" "$2" "$3" "$4" < "$5"`;
  return execute('sh', ['-c', command, 'sh', plugin, endpoint, principal, serverId, file]).then(
    ({ stdout }) => stdout.trim(),
    ({ stderr }) => String(stderr).trim(),
  );
}

const OK = /^\{"metadata":\{"account_id":"123456789012".*"policies":\["demo"\]\}$/;
const withId = ['--server-id-header-value', SERVER_ID];

/** @type {ReadonlyArray<readonly [name: string, printed: string, expected: RegExp]>} */
const rows = [
  ['a role', await logIn(['--role', 'demo']), OK],
  ['the role of the ARN', await logIn([]), OK],
  ['a server id', await logIn(['--role', 'demo', ...withId], SERVER_ID), OK],
  ['an STS of its own', await logIn(['--sts-endpoint', endpoint]), OK],
  ['a regional STS', await logIn(['--sts-endpoint', 'https://sts.us-east-1.amazonaws.com']), OK],
  ['no server id', await logIn([], SERVER_ID), /missing header "X-Vault-AWS-IAM-Server-ID"/],
  ['another server id', await logIn(withId, 'other'), /expected "other" but got "vault\.example\.com"/],
  [
    'another IAM role',
    await logIn(['--role', 'demo'], '', `${roleArn}2`),
    /does not belong to the role "demo"/,
  ],
  [
    'another region',
    await logIn(['--sts-region', 'eu-west-1', '--sts-endpoint', endpoint]),
    /upstream request/,
  ],
];

await emulator.close();
rmSync(folder, { recursive: true });
const failed = rows.filter(([, printed, expected]) => !expected.test(printed));
for (const [name, printed] of failed) console.error(`${name}: ${printed}`);
console.log(`vault: ${rows.length - failed.length} of ${rows.length} logins as expected`);
process.exitCode = failed.length === 0 ? 0 : 1;
