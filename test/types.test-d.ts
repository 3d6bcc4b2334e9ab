/**
 * Tests of the types of the library: this file is compiled (`tsc -p test/tsconfig.json`), never run. Code
 * that must not compile follows `@ts-expect-error`, which fails if the code does compile.
 */
import { STSClient } from '@aws-sdk/client-sts';
import { createCredentialChain, fromEnv } from '@aws-sdk/credential-providers';
import type {
  AwsCredentialIdentityProvider,
  IdentityProvider,
  Provider,
  AwsCredentialIdentity as SmithyIdentity,
  HttpRequest as SmithyRequest,
} from '@smithy/types';
import { Agent, MockAgent, ProxyAgent } from 'undici';
import type {
  CreateSessionOptions,
  Finding,
  FromRolesAnywhereInit,
  HttpRequest,
  IdentityErrorCode,
  Logger,
  OptionErrorCode,
  OutputErrorCode,
  RolesAnywhereCredentials,
  ServiceErrorCode,
  Session,
  SessionRequest,
  SigningIdentity,
  TransportErrorCode,
  WarningCode,
} from '../src/index.js';
import {
  createSession,
  fromRolesAnywhere,
  IdentityError,
  OptionError,
  OutputError,
  RolesAnywhereError,
  ServiceError,
  signRequest,
  TransportError,
} from '../src/index.js';

/** Compiles only if `A` and `B` are the same type, `any` and readonly included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

declare const options: CreateSessionOptions;
declare const identity: SigningIdentity;

// A provider for AWS SDK for JavaScript v3.
export const provider: AwsCredentialIdentityProvider = fromRolesAnywhere(options);
export const client = new STSClient({ region: 'us-east-1', credentials: fromRolesAnywhere(options) });
export const named: SmithyIdentity = await fromRolesAnywhere(options)();
// Callers rely on two more members: temporary credentials have a token and an expiration.
export const complete: Required<
  Pick<SmithyIdentity, 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'expiration' | 'accountId'>
> = await fromRolesAnywhere(options)();
export const isProviderExact: Same<
  Awaited<ReturnType<ReturnType<typeof fromRolesAnywhere>>>,
  RolesAnywhereCredentials
> = true;
// A session is assignable to credentials.
export const session: SmithyIdentity = await createSession(options);
export const client2 = new STSClient({ credentials: await createSession(options) });
// Clients of the SDK pass their properties; other callers pass nothing.
await fromRolesAnywhere(options)({ callerClientConfig: { region: 'us-east-1' } });
await fromRolesAnywhere(options)();
await fromRolesAnywhere(options)({ signal: AbortSignal.timeout(1000), forceRefresh: true });
// @ts-expect-error: a misspelt property
await fromRolesAnywhere(options)({ forceRefesh: true });
// The provider fits into a chain of the SDK, and wherever smithy's type is taken.
export const chained = createCredentialChain(fromRolesAnywhere(options), fromEnv());
export const client3 = new STSClient({ region: 'us-east-1', credentials: chained });
export const bare: Provider<SmithyIdentity> = fromRolesAnywhere(options);
export const identityProvider: IdentityProvider<SmithyIdentity> = fromRolesAnywhere(options);
// Options of the provider alone.
export const init: FromRolesAnywhereInit = { ...options, cache: true };
// @ts-expect-error: createSession has no cache
createSession({ ...options, cache: true });
// Dispatchers of undici.
for (const dispatcher of [new Agent(), new MockAgent(), new ProxyAgent('http://127.0.0.1:3128')]) {
  await createSession({ ...options, dispatcher });
}
// @ts-expect-error: an agent of node:https is no dispatcher
createSession({ ...options, dispatcher: new (await import('node:https')).Agent() });
// The provider is disposed of by hand or by `using`.
export const disposable: Disposable & AsyncDisposable = fromRolesAnywhere(options);
fromRolesAnywhere(options).dispose();
// @ts-expect-error: options are required
fromRolesAnywhere();
// @ts-expect-error: an unknown option
fromRolesAnywhere({ ...options, certficate: 'host.pem' });
// @ts-expect-error: 1 is no source
fromRolesAnywhere({ ...options, certificate: 1 });

// Options may be undefined explicitly, under exactOptionalPropertyTypes too: `process.env.X` fits.
export const optional: CreateSessionOptions = {
  ...options,
  roleArn: process.env['ROLE_ARN'],
  certificate: undefined,
  passphrase: undefined,
  signal: undefined,
  logger: undefined,
  env: undefined,
};
// The console and the loggers of SDK clients are loggers.
export const logger: Logger = console;
export const sdkLogger: Logger = client.config.logger;

// The request is the one of @smithy/types, in both directions.
declare const ours: HttpRequest;
declare const theirs: SmithyRequest;
export const accepted: HttpRequest = theirs;
export const given: SmithyRequest = ours;
const context = { region: 'us-east-1', date: new Date() };
export const signedTheirs: SmithyRequest = await signRequest(theirs, identity, context);
export const signedOurs: HttpRequest = await signRequest(ours, identity, context);
// The signed request has the type of the given one.
declare const request: SessionRequest;
export const isKept: Same<Awaited<ReturnType<typeof signRequest<SessionRequest>>>, SessionRequest> = true;
export const body: string = (await signRequest(request, identity, context)).body;

// The interface is all that an identity of the caller needs.
export const remote: SigningIdentity = {
  certificate: identity.certificate,
  chain: [],
  algorithm: 'AWS4-X509-ECDSA-SHA256',
  sign: async (data) => new Uint8Array(data.length),
};
createSession({ ...options, certificate: undefined, identity: remote });
// @ts-expect-error: the ARNs are required
createSession({ identity: remote });

// Codes are unions: a switch over them can be exhaustive, and a misspelt one does not compile.
export const areCodesExact: [
  Same<OptionError['code'], OptionErrorCode>,
  Same<IdentityError['code'], IdentityErrorCode>,
  Same<TransportError['code'], TransportErrorCode>,
  Same<ServiceError['code'], ServiceErrorCode>,
  Same<OutputError['code'], OutputErrorCode>,
  Same<Finding['code'], IdentityErrorCode | WarningCode>,
] = [true, true, true, true, true, true];
export const areCodesUnions: [
  Same<string extends OptionErrorCode ? true : false, false>,
  Same<string extends IdentityErrorCode ? true : false, false>,
  Same<string extends TransportErrorCode ? true : false, false>,
  Same<string extends ServiceErrorCode ? true : false, false>,
  Same<string extends OutputErrorCode ? true : false, false>,
] = [true, true, true, true, true];

export function whoCanFixIt(error: unknown): string {
  if (!(error instanceof RolesAnywhereError)) return 'unknown';
  if (error instanceof TransportError) return nameOf(error.code);
  if (error instanceof ServiceError) return `AWS, or its settings: ${error.status} ${error.requestId ?? ''}`;
  if (error instanceof IdentityError) {
    // @ts-expect-error: no such code
    return error.code === 'ERR_CERTIFICATE_EXPIERD' ? 'owner' : 'the owner of the certificate';
  }
  if (error instanceof OptionError || error instanceof OutputError) return error.code;
  return error.hint ?? error.message;
}

function nameOf(code: TransportErrorCode): string {
  switch (code) {
    case 'ERR_ABORTED':
    case 'ERR_NETWORK':
    case 'ERR_PROXY':
    case 'ERR_TIMEOUT':
    case 'ERR_TLS':
      return 'the network';
  }
}

// Results are read-only.
declare const held: Session;
// @ts-expect-error: read-only
held.secretAccessKey = 'x';
// @ts-expect-error: read-only
identity.chain.push(identity.certificate);
// @ts-expect-error: read-only
identity.algorithm = 'x';
