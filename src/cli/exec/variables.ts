/**
 * The variables that `exec` and `env` set to provide credentials, and the variables that would provide
 * others.
 */
import { wholeSeconds } from '../../credentials/process-json.js';
import { childEnvironment } from '../../options/child-environment.js';
import type { Environment } from '../../options/choose-values.js';
import type { Session } from '../../session/response.js';
import type { Variables } from '../commands/env-formats.js';

/** The variables of credentials, in the order in which `env` prints them. */
export const CREDENTIAL_VARIABLES = [
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...['AWS_CREDENTIAL_EXPIRATION', 'AWS_REGION', 'AWS_DEFAULT_REGION'],
];

/**
 * Variables by which programs would get other credentials, or refuse these: the SDK for JavaScript ignores
 * keys in the environment if `AWS_PROFILE` is set, and botocore prefers `AWS_SECURITY_TOKEN` to the session
 * token.
 */
const RIVALS = [
  ...['AWS_PROFILE', 'AWS_DEFAULT_PROFILE', 'AWS_SECURITY_TOKEN'],
  ...['AWS_ACCESS_KEY', 'AWS_SECRET_KEY', 'AWS_CREDENTIAL_FILE', 'AWS_CREDENTIAL_SCOPE'],
  ...['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
  ...['AWS_CONTAINER_AUTHORIZATION_TOKEN', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'],
  ...['AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN', 'AWS_ROLE_SESSION_NAME'],
];

/** The session and its region. boto3 and the AWS CLI version 1 read `AWS_DEFAULT_REGION`. */
export function sessionVariables(session: Session, region: string): Variables {
  return [
    ['AWS_ACCESS_KEY_ID', session.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', session.secretAccessKey],
    ['AWS_SESSION_TOKEN', session.sessionToken],
    ['AWS_CREDENTIAL_EXPIRATION', wholeSeconds(session.expiration)],
    ...regionVariables(region),
  ];
}

/** A container endpoint and the region, which programs do not ask the endpoint for. */
export function endpointVariables(url: string, token: string, region: string): Variables {
  return [
    ['AWS_CONTAINER_CREDENTIALS_FULL_URI', url],
    ['AWS_CONTAINER_AUTHORIZATION_TOKEN', token],
    ...regionVariables(region),
  ];
}

function regionVariables(region: string): Variables {
  return [
    ['AWS_REGION', region],
    ['AWS_DEFAULT_REGION', region],
  ];
}

/** The variables in the environment that would provide other credentials, to be unset. */
export function rivalsIn(env: Environment): Variables {
  return RIVALS.filter((name) => env[name] !== undefined).map((name) => [name, undefined]);
}

/**
 * The environment of a child that gets these credentials and no others, without the passwords of this
 * program. An `AWS_ACCOUNT_ID` becomes that of the credentials, because SDKs read it as a part of them.
 */
export function environmentWith(
  variables: Variables,
  accountId: string,
  env: Environment,
): Readonly<Record<string, string>> {
  const removed = new Set([...CREDENTIAL_VARIABLES, ...RIVALS]);
  const kept = Object.entries(childEnvironment(env)).filter(([name]) => !removed.has(name));
  const account =
    env['AWS_ACCOUNT_ID'] === undefined || accountId === '' ? [] : [['AWS_ACCOUNT_ID', accountId]];
  return Object.fromEntries([...kept, ...account, ...variables].filter(([, value]) => value !== undefined));
}
