/**
 * `rolesanywhere vault-login` prints the login data for the AWS auth method (type iam) of HashiCorp Vault and
 * OpenBao, or logs in with them and prints the token.
 *
 * Source: "AWS auth method (API)" in the documentation of Vault.
 */
import { openSessionSource } from '../../credentials/session-source.js';
import type { VaultLoginData } from '../../credentials/vault-login.js';
import { createVaultLoginData, SERVER_ID_KIND } from '../../credentials/vault-login.js';
import { OptionError } from '../../errors.js';
import type { Choice } from '../../options/choose-values.js';
import { REGION_KIND } from '../../options/kinds.js';
import type { ValuesOf } from '../../options/option-spec.js';
import { parseEndpoint } from '../../session/endpoint.js';
import type { Arguments } from '../arguments.js';
import type { Command } from '../command.js';
import type { Flags } from '../options/flags.js';
import { variableOf } from '../options/flags.js';
import { readSession } from '../options/read-session.js';
import { CHAIN_FLAGS } from '../options/role-chain.js';
import { sessionGroups } from '../options/session-flags.js';
import type { Io } from '../terminal/io.js';
import { print } from '../terminal/io.js';
import { logIn } from '../vault-server.js';

const FLAGS = {
  role: {
    flag: 'role',
    kind: { type: 'text' },
    placeholder: 'NAME',
    help: 'role of the auth method; without it, Vault uses the name of the IAM role',
  },
  serverIdHeaderValue: {
    flag: 'server-id-header-value',
    kind: SERVER_ID_KIND,
    placeholder: 'TEXT',
    help: "value of X-Vault-AWS-IAM-Server-ID: Vault's iam_server_id_header_value",
  },
  stsRegion: {
    flag: 'sts-region',
    kind: REGION_KIND,
    placeholder: 'REGION',
    help: "Vault's sts_region; without it, us-east-1 and the global STS, the defaults of Vault",
  },
  address: {
    flag: 'address',
    kind: { type: 'text' },
    placeholder: 'URL',
    help: 'address of Vault: log in there, and print the token in place of the login data',
  },
  login: {
    flag: 'login',
    kind: { type: 'boolean' },
    default: false,
    help: 'log in at VAULT_ADDR, and print the token in place of the login data',
  },
  mount: {
    flag: 'mount',
    kind: {
      type: 'pattern',
      pattern: /^\w[\w.-]*(?:\/\w[\w.-]*)*\/?$/,
      rule: 'a path such as aws or team/aws',
    },
    placeholder: 'PATH',
    default: 'aws',
    help: 'path of the auth method, below auth/',
  },
  namespace: {
    flag: 'namespace',
    kind: { type: 'pattern', pattern: /^[!-~]{1,1000}$/, rule: 'a path such as team/' },
    placeholder: 'PATH',
    env: ['VAULT_NAMESPACE'],
    help: 'namespace to log in to',
  },
  vaultCaCert: {
    flag: 'vault-ca-cert',
    kind: { type: 'path' },
    placeholder: 'FILE',
    env: ['VAULT_CACERT'],
    help: "PEM file of additional CA certificates to trust for Vault's TLS; without it, --ca-bundle",
  },
} as const satisfies Flags;

export const command: Command = {
  flags: sessionGroups(FLAGS),
  example: '--config host.json --role backup |\n  vault write auth/aws/login -',
  run,
};

async function run(args: Arguments, io: Io, now = () => new Date()): Promise<void> {
  const { settings, context, options, choices } = await readSession(args, FLAGS, io);
  const address = addressOf(options, io);
  const stsEndpoint = endpointForVault(choices.stsEndpoint);
  const { role, serverIdHeaderValue, stsRegion } = options;
  const session = await openSessionSource(settings, { ...context, now }).create();
  const login = { role, serverIdHeaderValue, stsEndpoint, stsRegion, now };
  const data = await createVaultLoginData(session, login);
  if (address === undefined) return print(io.stdout, formatData(data));
  const { mount, namespace, vaultCaCert } = options;
  const { connection } = settings;
  const server = {
    ...{ address, mount, namespace, roleArn: session.roleArn },
    connection: { ...connection, caBundle: vaultCaCert ?? connection.caBundle },
  };
  const { logger, attempts } = context;
  await print(io.stdout, `${await logIn(server, data, { logger, attempts, now })}\n`);
}

/** @throws OptionError `ERR_OPTION_MISSING` `ERR_OPTION_INVALID` */
function addressOf({ address, login }: ValuesOf<typeof FLAGS>, { env }: Io): URL | undefined {
  if (address !== undefined) return parseEndpoint(address, '--address');
  if (!login) return undefined;
  const variable = env['VAULT_ADDR'];
  if (variable) return parseEndpoint(variable, 'VAULT_ADDR');
  throw new OptionError('ERR_OPTION_MISSING', '--login needs --address or VAULT_ADDR');
}

/**
 * The STS endpoint of AWS's settings is this machine's, for role chaining, and Vault's may be another: for
 * the login data only the flag counts, with its variable and its key in a configuration file.
 */
function endpointForVault({ value, origin, label }: Choice): string | undefined {
  const isFlag = ['caller', 'file'].includes(origin) || label === variableOf(CHAIN_FLAGS.stsEndpoint);
  return isFlag && typeof value === 'string' ? value : undefined;
}

function formatData(data: VaultLoginData): string {
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
