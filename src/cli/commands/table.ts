/**
 * The commands of the program: names, summaries, and how each is loaded. Flags stand in the command's own
 * file.
 */
import type { CommandEntry } from '../command.js';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'credential-process',
    summary: 'Print credentials for `credential_process` in ~/.aws/config.',
    load: async () => (await import('./credential-process.js')).command,
  },
  {
    name: 'serve',
    summary: 'Serve credentials on this machine, as EC2 and ECS do.',
    load: async () => (await import('./serve.js')).command,
  },
  {
    name: 'update',
    summary: 'Keep a profile of the shared credentials file up to date.',
    load: async () => (await import('./update.js')).command,
  },
  {
    name: 'configure',
    summary: 'Ask for the options, and write the credential_process line into ~/.aws/config.',
    load: async () => (await import('./configure.js')).command,
  },
  {
    name: 'whoami',
    summary: 'Show the identity of the credentials: ARN, account, expiry, source of the session tags.',
    load: async () => (await import('./whoami.js')).command,
  },
  {
    name: 'exec',
    summary: 'Run a command with credentials, or with an endpoint that refreshes them.',
    load: async () => (await import('./exec.js')).command,
  },
  {
    name: 'env',
    summary: 'Print credentials as environment variables, for shells and files.',
    load: async () => (await import('./env.js')).command,
  },
  {
    name: 'vault-login',
    summary:
      'Print the login data for the AWS auth method of Vault and OpenBao, or log in and print the token.',
    load: async () => (await import('./vault-login.js')).command,
  },
  {
    name: 'cache list',
    summary: 'List the cached sessions: file, age, expiry; no secrets.',
    load: async () => (await import('./cache.js')).listCommand,
  },
  {
    name: 'cache clear',
    summary: 'Remove the cached sessions.',
    load: async () => (await import('./cache.js')).clearCommand,
  },
  {
    name: 'doctor',
    summary: 'Check certificate, key, chain, ARNs, network and service, and say how to fix what is wrong.',
    load: async () => (await import('./doctor.js')).command,
  },
  {
    name: 'sign-string',
    summary: 'Sign a fixed text: a test of the private key.',
    load: async () => (await import('./sign-string.js')).command,
  },
  {
    name: 'read-certificate-data',
    summary: 'Print subject, issuer, serial number and algorithms of a certificate.',
    load: async () => (await import('./read-certificate-data.js')).command,
  },
  {
    name: 'keys list',
    summary: 'Show PKCS#11 tokens, their certificates and keys, and the URI of each.',
    load: async () => (await import('./keys.js')).listCommand,
  },
  {
    name: 'ca init',
    summary: 'Make a private CA in a folder: a root, or an intermediate below another.',
    load: async () => (await import('./ca.js')).initCommand,
  },
  {
    name: 'ca issue',
    summary: 'Make a private key and a certificate of the private CA for it.',
    load: async () => (await import('./ca.js')).issueCommand,
  },
  {
    name: 'ca csr',
    summary: 'Make a private key and a certificate request, on the machine that uses the key.',
    load: async () => (await import('./ca.js')).requestCommand,
  },
  {
    name: 'ca sign',
    summary: 'Issue a certificate of the private CA for a certificate request.',
    load: async () => (await import('./ca.js')).signCommand,
  },
  {
    name: 'ca revoke',
    summary: 'Mark a certificate of the private CA as revoked.',
    load: async () => (await import('./ca.js')).revokeCommand,
  },
  {
    name: 'ca crl',
    summary: 'Make the list of revoked certificates, for AWS to import.',
    load: async () => (await import('./ca.js')).listCommand,
  },
  {
    name: 'ca show',
    summary: 'Show the private CA and the certificates that it has issued.',
    load: async () => (await import('./ca.js')).showCommand,
  },
  {
    name: 'ca setup',
    summary: 'Print the AWS side: trust anchor, profile and role, for AWS CLI, CloudFormation or Terraform.',
    load: async () => (await import('./ca.js')).setupCommand,
  },
  {
    name: 'emulator',
    summary: 'Run a local IAM Roles Anywhere, STS and IAM, for tests without an AWS account.',
    load: async () => (await import('./emulator.js')).command,
  },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell, or the manual page.',
    load: async () => (await import('./completion.js')).completionCommand(COMMANDS),
  },
  {
    name: 'version',
    summary: 'Print the version.',
    load: async () => (await import('./version.js')).command,
  },
];
