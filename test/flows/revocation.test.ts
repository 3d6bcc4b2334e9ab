/**
 * A company's PKI from its first key to a revoked certificate, with openssl and the AWS CLI alone: the
 * README's lines for certificates and for the AWS side, on the emulator.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { administrate, PROGRAM, run, startMachine, TRUST_POLICY } from './machine.js';

const hasAws = spawnSync('aws', ['--version'], { stdio: 'ignore' }).status === 0;
const leftOut = hasAws ? '' : ' (left out: there is no aws command here, and it could not be installed)';

const CA_CONFIG = `
[ca]
default_ca = this
[this]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
x509_extensions = leaf
unique_subject = no
[any]
organizationName = supplied
commonName = supplied
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[req]
distinguished_name = dn
[dn]
`;

function openssl(folder: string, ...words: string[]): void {
  execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' });
}

/** A CA, and certificates of two hosts: `host-1.pem`, `host-2.pem`. */
function makePki(folder: string): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'ca.cnf'), CA_CONFIG);
  writeFileSync(join(folder, 'index.txt'), '');
  for (const name of ['serial', 'crlnumber']) writeFileSync(join(folder, name), '1001\n');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-config', 'ca.cnf'];
  const root = ['-x509', '-days', '30', '-subj', '/O=Example/CN=Example CA', '-extensions', 'root'];
  openssl(folder, 'req', ...key, ...root, '-keyout', 'ca.key', '-out', 'ca.pem');
  for (const name of ['host-1', 'host-2']) {
    openssl(folder, 'req', ...key, '-subj', `/O=Example/CN=${name}`, '-keyout', `${name}.key`, '-out', 'csr');
    openssl(folder, 'ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', 'csr', '-out', `${name}.pem`);
  }
}

it.skipIf(!hasAws)(`a revoked certificate gets no credentials${leftOut}`, async () => {
  const machine = await startMachine();
  const folder = join(machine.folder, 'pki');
  makePki(folder);
  const aws = administrate({ ...machine, folder });
  writeFileSync(join(folder, 'trust.json'), JSON.stringify(TRUST_POLICY));
  const [{ answer: anchor }, { answer: role }] = await Promise.all([
    aws(
      'rolesanywhere create-trust-anchor --name pki --enabled --source',
      'sourceType=CERTIFICATE_BUNDLE,' +
        `sourceData={x509CertificateData=${(await run(machine, 'cat', ['ca.pem'], folder)).stdout}}`,
    ),
    aws('iam create-role --role-name Backup --assume-role-policy-document file://trust.json'),
  ]);
  const { answer: profile } = await aws(
    'rolesanywhere create-profile --name pki --enabled --role-arns',
    role.Role.Arn,
  );
  const { trustAnchorArn } = anchor.trustAnchor;
  const config = ['host-1', 'host-2'].map(
    (name) => `[profile ${name}]
credential_process = "${process.execPath}" "${PROGRAM}" credential-process --config-profile ${name}
rolesanywhere_certificate = ${name}.pem
rolesanywhere_private_key = ${name}.key
rolesanywhere_trust_anchor_arn = ${trustAnchorArn}
rolesanywhere_profile_arn = ${profile.profile.profileArn}
rolesanywhere_role_arn = ${role.Role.Arn}
`,
  );
  writeFileSync(join(folder, 'config'), config.join('\n'));
  const env = { ...machine.env, AWS_CONFIG_FILE: join(folder, 'config') };
  const whoAmI = (name: string) =>
    run({ env }, 'aws', [
      ...['sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text', '--profile', name],
      ...['--region', 'us-east-1', '--endpoint-url', machine.emulator.endpoint],
    ]);
  expect(await whoAmI('host-1')).toEqual({
    status: 0,
    stdout: 'arn:aws:sts::123456789012:assumed-role/Backup/1001\n',
    stderr: '',
  });

  openssl(folder, 'ca', '-config', 'ca.cnf', '-revoke', 'host-1.pem');
  openssl(folder, 'ca', '-config', 'ca.cnf', '-gencrl', '-out', 'ca.crl');
  const imported = await aws(
    'rolesanywhere import-crl --name revoked --enabled --crl-data fileb://ca.crl --trust-anchor-arn',
    trustAnchorArn,
  );
  expect(imported).toMatchObject({ status: 0, answer: { crl: { enabled: true, trustAnchorArn } } });
  const [revoked, other] = await Promise.all([whoAmI('host-1'), whoAmI('host-2')]);
  expect(revoked.status).not.toBe(0);
  expect(revoked.stderr).toContain('403 AccessDeniedException: Untrusted signing certificate');
  expect(other).toMatchObject({
    status: 0,
    stdout: 'arn:aws:sts::123456789012:assumed-role/Backup/1002\n',
  });
});
