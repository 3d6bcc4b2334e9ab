/**
 * The library. Each stage can be used alone: load an identity, check it, sign a request of your own and send
 * it with any HTTP client.
 */

export type { ProviderProperties } from './credentials/caller-client.js';
export type {
  FromRolesAnywhereInit,
  RolesAnywhereCredentials,
  RolesAnywhereProvider,
} from './credentials/from-roles-anywhere.js';
export { fromRolesAnywhere } from './credentials/from-roles-anywhere.js';
export { formatProcessCredentials } from './credentials/process-json.js';
export type { VaultLoginData, VaultLoginOptions } from './credentials/vault-login.js';
export { createVaultLoginData } from './credentials/vault-login.js';
export type {
  IdentityErrorCode,
  OptionErrorCode,
  OutputErrorCode,
  ServiceErrorCode,
  TransportErrorCode,
} from './errors.js';
export {
  IdentityError,
  OptionError,
  OutputError,
  RolesAnywhereError,
  ServiceError,
  TransportError,
} from './errors.js';
export type { Certificate } from './identity/certificate.js';
export { checkIdentity } from './identity/check-identity.js';
export type { Finding, WarningCode } from './identity/finding.js';
export type { SigningIdentity } from './identity/identity.js';
export type { AskPassphrase, IdentitySource, PemOrPath } from './identity/identity-source.js';
export type { LoadContext } from './identity/load.js';
export { loadIdentity } from './identity/load.js';
export type { Logger } from './session/call-service.js';
export type { CreateSessionOptions } from './session/create-session.js';
export { createSession } from './session/create-session.js';
export type { HttpDispatcher } from './session/dispatched.js';
export type { Explanation, RefusedRequest, TrustStatement } from './session/refusal-causes.js';
export { explainRefusal } from './session/refusal-causes.js';
export type { SessionRequest, SessionRequestSettings } from './session/request.js';
export { createSessionRequest } from './session/request.js';
export type { HttpResponse, Session } from './session/response.js';
export { parseSessionResponse } from './session/response.js';
export type { AssumeRoleOptions } from './session/session-options.js';
export { VERSION } from './session/version.js';
export type { HttpRequest } from './signing/canonical-request.js';
export type { SignedRequest, SigningContext } from './signing/sign-request.js';
export { signRequest, signRequestWithTrace } from './signing/sign-request.js';
