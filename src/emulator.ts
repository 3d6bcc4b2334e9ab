/**
 * The front door of `rolesanywhere/emulator`: a local IAM Roles Anywhere with the STS and IAM that it needs.
 */

export type { Authority, IssuedCertificate } from './authority/authority.js';
export { createAuthority } from './authority/authority.js';
export type { AuthorityKeyType } from './authority/keys.js';
export type {
  AlternativeNames,
  AuthorityOptions,
  IntermediateOptions,
  IssueOptions,
  RequestOptions,
  Revocation,
  RevocationListOptions,
  SignOptions,
  SubjectAttributes,
} from './authority/options.js';
export type { CertificateRequest } from './authority/request.js';
export { createRequest } from './authority/request.js';
export type { FaultRule, FaultSource } from './emulator/faults/fault-rules.js';
export type { FaultStatus, Faults } from './emulator/faults/faults.js';
export type { EmulatorOptions } from './emulator/options.js';
export type { Emulator } from './emulator/server.js';
export { startEmulator } from './emulator/server.js';
export type { EmulatedService } from './emulator/service.js';
export { createEmulator } from './emulator/service.js';
export type { Seed } from './emulator/setup/seed.js';
export type { EmulatorRequest, EmulatorResponse, Handler } from './emulator/wire/handler.js';
