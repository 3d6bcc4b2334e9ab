/** The table "Precedence" of examples/config-file.md, for options with several sources: tries each row. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Arguments } from '../../../src/cli/arguments.js';
import { readSession } from '../../../src/cli/options/read-session.js';
import { ARNS } from '../../fake-service.js';
import { fakeIo } from '../../program.js';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', '..', 'examples', 'config-file.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));
const config = join(folder, 'options.json');
const awsConfig = join(folder, 'aws-config');
const password = join(folder, 'password');
writeFileSync(password, 'from a file\n', { mode: 0o600 });

const REGIONAL = 'https://rolesanywhere.us-east-1.amazonaws.com/';
const FIPS = 'https://rolesanywhere-fips.us-east-1.amazonaws.com/';
const OWN = 'https://own.test/';
const OTHER = 'https://other.test/';

interface Row {
  readonly given: string;
  readonly counts: string;
  readonly flags?: Arguments['given'];
  readonly env?: Record<string, string>;
  readonly file?: object;
  /** The AWS config. */
  readonly aws?: string;
  /** A part of the command's settings, or of the error. */
  readonly expect: object;
}

const ROWS: readonly Row[] = [
  {
    given: '`--region`, `ROLESANYWHERE_REGION`, and `region` in a file',
    counts: '`--region`',
    flags: { region: 'eu-west-1' },
    env: { ROLESANYWHERE_REGION: 'eu-west-2' },
    file: { region: 'eu-west-3' },
    expect: { settings: { region: 'eu-west-1' } },
  },
  {
    given: '`ROLESANYWHERE_REGION`, and `region` in a file',
    counts: '`ROLESANYWHERE_REGION`',
    env: { ROLESANYWHERE_REGION: 'eu-west-2' },
    file: { region: 'eu-west-3' },
    expect: { settings: { region: 'eu-west-2' } },
  },
  {
    given: '`AWS_REGION`, `AWS_DEFAULT_REGION`, the `region` of an AWS profile',
    counts: "none: the trust anchor's region does",
    env: { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' },
    expect: { settings: { region: 'us-east-1', endpoint: { href: REGIONAL } } },
  },
  {
    given: '`ROLESANYWHERE_CA_BUNDLE`, `AWS_CA_BUNDLE`',
    counts: '`ROLESANYWHERE_CA_BUNDLE`',
    env: { ROLESANYWHERE_CA_BUNDLE: '/own.pem', AWS_CA_BUNDLE: '/aws.pem' },
    expect: { settings: { connection: { caBundle: '/own.pem' } } },
  },
  {
    given: '`AWS_CA_BUNDLE`, and `ca-bundle` in a file',
    counts: '`AWS_CA_BUNDLE`',
    env: { AWS_CA_BUNDLE: '/aws.pem' },
    file: { 'ca-bundle': '/file.pem' },
    expect: { settings: { connection: { caBundle: '/aws.pem' } } },
  },
  {
    given: '`AWS_ENDPOINT_URL_ROLESANYWHERE`, `AWS_ENDPOINT_URL`',
    counts: '`AWS_ENDPOINT_URL_ROLESANYWHERE`',
    env: { AWS_ENDPOINT_URL_ROLESANYWHERE: OWN, AWS_ENDPOINT_URL: OTHER },
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: 'the same, and `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true`',
    counts: "none: the region's endpoint does",
    env: {
      AWS_ENDPOINT_URL_ROLESANYWHERE: OWN,
      AWS_ENDPOINT_URL: OTHER,
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true',
    },
    expect: { settings: { endpoint: { href: REGIONAL } } },
  },
  {
    given: '`ROLESANYWHERE_ENDPOINT`, and `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true`',
    counts: '`ROLESANYWHERE_ENDPOINT`, which is not of AWS',
    env: { ROLESANYWHERE_ENDPOINT: OWN, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' },
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: '`--endpoint`, `AWS_USE_FIPS_ENDPOINT=true`',
    counts: '`--endpoint`',
    flags: { endpoint: OWN },
    env: { AWS_USE_FIPS_ENDPOINT: 'true' },
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: '`--use-fips-endpoint`, `AWS_ENDPOINT_URL`',
    counts: '`--use-fips-endpoint`',
    flags: { useFipsEndpoint: true },
    env: { AWS_ENDPOINT_URL: OWN },
    expect: { settings: { endpoint: { href: FIPS } } },
  },
  {
    given: '`AWS_ENDPOINT_URL`, `AWS_USE_FIPS_ENDPOINT=true`, both of the environment',
    counts: '`AWS_ENDPOINT_URL`',
    env: { AWS_ENDPOINT_URL: OWN, AWS_USE_FIPS_ENDPOINT: 'true' },
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: '`AWS_USE_DUALSTACK_ENDPOINT=true`, and `endpoint` in a file',
    counts: '`AWS_USE_DUALSTACK_ENDPOINT`',
    env: { AWS_USE_DUALSTACK_ENDPOINT: 'true' },
    file: { endpoint: OWN },
    expect: { settings: { endpoint: { href: 'https://rolesanywhere.us-east-1.api.aws/' } } },
  },
  {
    given: '`--endpoint`, `--use-fips-endpoint` (or both in one file)',
    counts: 'refused, `ERR_OPTION_CONFLICT`',
    flags: { endpoint: OWN, useFipsEndpoint: true },
    expect: { code: 'ERR_OPTION_CONFLICT' },
  },
  {
    given: '`--use-fips-endpoint=false`, `AWS_USE_FIPS_ENDPOINT=true`',
    counts: '`--use-fips-endpoint=false`',
    flags: { useFipsEndpoint: 'false' },
    env: { AWS_USE_FIPS_ENDPOINT: 'true' },
    expect: { settings: { endpoint: { href: REGIONAL } } },
  },
  {
    given: '`--pkcs8-password-file`, `ROLESANYWHERE_PKCS8_PASSWORD`',
    counts: '`--pkcs8-password-file`',
    flags: { passphraseFile: password },
    env: { ROLESANYWHERE_PKCS8_PASSWORD: 'from the environment' },
    expect: { settings: { source: { passphrase: 'from a file' } } },
  },
  {
    given: '`ROLESANYWHERE_PKCS8_PASSWORD`, `ROLESANYWHERE_PKCS8_PASSWORD_FILE`',
    counts: '`ROLESANYWHERE_PKCS8_PASSWORD`',
    env: {
      ROLESANYWHERE_PKCS8_PASSWORD: 'from the environment',
      ROLESANYWHERE_PKCS8_PASSWORD_FILE: password,
    },
    expect: { settings: { source: { passphrase: 'from the environment' } } },
  },
  {
    given: '`--pkcs8-password`, `--pkcs8-password-file`',
    counts: 'refused, `ERR_OPTION_CONFLICT`',
    flags: { passphrase: 'x', passphraseFile: password },
    expect: { code: 'ERR_OPTION_CONFLICT' },
  },
  {
    given: '`HTTPS_PROXY`, `https_proxy`; `NO_PROXY`, `no_proxy`',
    counts: 'the one in capitals',
    env: {
      HTTPS_PROXY: 'http://upper.test',
      https_proxy: 'http://lower.test',
      NO_PROXY: 'upper.test',
      no_proxy: 'lower.test',
    },
    expect: { settings: { connection: { proxy: { url: 'http://upper.test', except: 'upper.test' } } } },
  },
  {
    given: '`HTTP_PROXY`, `http_proxy`, `ALL_PROXY`',
    counts: 'none: AWS is reached by https, and plain http stays on this machine',
    env: { HTTP_PROXY: 'http://a.test', http_proxy: 'http://a.test', ALL_PROXY: 'http://a.test' },
    expect: { settings: { connection: { proxy: undefined } } },
  },
  {
    given: '`ca_bundle` in the AWS profile (`AWS_PROFILE`, else `default`)',
    counts: 'it, from the folder of the file',
    aws: '[default]\nca_bundle = own.pem\n',
    expect: { settings: { connection: { caBundle: join(folder, 'own.pem') } } },
  },
  {
    given: '`AWS_CA_BUNDLE`, and `ca_bundle` in the AWS profile',
    counts: '`AWS_CA_BUNDLE`',
    env: { AWS_CA_BUNDLE: '/aws.pem', AWS_PROFILE: 'onprem' },
    aws: '[profile onprem]\nca_bundle = /own.pem\n',
    expect: { settings: { connection: { caBundle: '/aws.pem' } } },
  },
  {
    given: '`ca-bundle` in a file, and `ca_bundle` in the AWS profile',
    counts: '`ca-bundle` in the file',
    file: { 'ca-bundle': '/file.pem' },
    aws: '[default]\nca_bundle = /own.pem\n',
    expect: { settings: { connection: { caBundle: '/file.pem' } } },
  },
  {
    given: '`endpoint_url` in the AWS profile, and in the `[services …]` section that it names',
    counts: 'that of the section, below `rolesanywhere =`',
    aws:
      `[default]\nendpoint_url = ${OTHER}\nservices = local\n[services local]\ns3 =\n  endpoint_url = ` +
      `https://s3.test\nrolesanywhere =\n  endpoint_url = ${OWN}\n`,
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: '`AWS_ENDPOINT_URL`, and `endpoint_url` in a `[services …]` section',
    counts: '`AWS_ENDPOINT_URL`',
    env: { AWS_ENDPOINT_URL: OTHER },
    aws: `[default]\nservices = local\n[services local]\nrolesanywhere =\n  endpoint_url = ${OWN}\n`,
    expect: { settings: { endpoint: { href: OTHER } } },
  },
  {
    given: '`endpoint_url` and `ignore_configured_endpoint_urls = true` in the AWS profile',
    counts: "none: the region's endpoint does",
    aws: `[default]\nendpoint_url = ${OWN}\nignore_configured_endpoint_urls = true\n`,
    expect: { settings: { endpoint: { href: REGIONAL } } },
  },
  {
    given: '`--use-fips-endpoint`, and `endpoint_url` in the AWS profile',
    counts: '`--use-fips-endpoint`',
    flags: { useFipsEndpoint: true },
    aws: `[default]\nendpoint_url = ${OWN}\n`,
    expect: { settings: { endpoint: { href: FIPS } } },
  },
  {
    given: '`endpoint_url` and `use_fips_endpoint = true` in the AWS profile',
    counts: '`endpoint_url`',
    aws: `[default]\nendpoint_url = ${OWN}\nuse_fips_endpoint = true\n`,
    expect: { settings: { endpoint: { href: OWN } } },
  },
  {
    given: '`use_dualstack_endpoint = true` in the AWS profile',
    counts: 'it',
    aws: '[default]\nuse_dualstack_endpoint = true\n',
    expect: { settings: { endpoint: { href: 'https://rolesanywhere.us-east-1.api.aws/' } } },
  },
  {
    given: '`AWS_MAX_ATTEMPTS`, and `max_attempts` in the AWS profile',
    counts: '`AWS_MAX_ATTEMPTS`',
    env: { AWS_MAX_ATTEMPTS: '5' },
    aws: '[default]\nmax_attempts = 7\n',
    expect: { context: { attempts: 5 } },
  },
  {
    given: '`max_attempts` in the AWS profile',
    counts: 'it',
    aws: '[default]\nmax_attempts = 7\n',
    expect: { context: { attempts: 7 } },
  },
  {
    given: 'a profile that is not in the AWS config, or a config that is broken',
    counts: 'the defaults; `--debug` says so',
    env: { AWS_PROFILE: 'none' },
    aws: 'broken',
    expect: { settings: { endpoint: { href: REGIONAL } }, context: { attempts: 3 } },
  },
];

async function outcome({ flags = {}, env = {}, file, aws = '' }: Row): Promise<unknown> {
  if (file !== undefined) writeFileSync(config, JSON.stringify(file));
  writeFileSync(awsConfig, aws);
  const { io } = fakeIo([], { env: { AWS_CONFIG_FILE: awsConfig, ...env } });
  const given = { ...ARNS, certificate: 'host.pem', ...flags, ...(file && { config }) };
  try {
    return await readSession({ given, operands: [] }, {}, io);
  } catch (error) {
    return error;
  }
}

describe('what counts', () => {
  it.each(ROWS.map((row) => [row.given, row.counts, row] as const))(
    '%s: %s',
    async (_given, _counts, row) => {
      expect(await outcome(row)).toMatchObject(row.expect);
    },
  );

  it('is the table of the page', () => {
    const shown = /<!-- precedence -->\n\n([\s\S]*?)\n\n<!-- \/precedence -->/.exec(PAGE)?.[1];
    const rows = ROWS.map(({ given, counts }) => `| ${given} | ${counts} |`);
    expect(shown).toBe(['| given | what counts |', '|---|---|', ...rows].join('\n'));
  });
});
