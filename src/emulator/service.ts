/**
 * The emulated service without a socket. In: options. Out: a handler, and what a client needs to know to ask it.
 * Each check that it makes is at least as strict as AWS's; where AWS's behaviour is unknown it refuses, and the log says
 * why.
 */
import {
  addProfile,
  addRole,
  addTrustAnchor,
  createAccount,
  defaultTrustPolicy,
} from '../emulator-account/account.js';
import type { Account } from '../emulator-account/resources.js';
import { controlPlaneOperations } from '../emulator-control/control-plane.js';
import { iamService } from '../emulator-control/iam.js';
import type { FaultSource } from '../emulator-faults/fault-rules.js';
import type { Faults } from '../emulator-faults/faults.js';
import { createFaults } from '../emulator-faults/faults.js';
import type { Authority, OptionRules } from '../emulator-pki/authority.js';
import { createAuthority, readOptions } from '../emulator-pki/authority.js';
import { parseTrustAnchor } from '../emulator-pki/trust.js';
import { createSessionOperation } from '../emulator-sessions/create-session.js';
import { createCredentialStore } from '../emulator-sessions/credential-store.js';
import { stsService } from '../emulator-sts/sts.js';
import type { Handler } from '../emulator-wire/handler.js';
import { createHandler } from '../emulator-wire/handler.js';
import { createQueryOperation } from '../emulator-wire/query-protocol.js';
import { EMULATOR_OPTIONS } from '../options/command-options.js';
import { SESSION_OPTIONS } from '../options/session-options.js';

/** CA certificates: PEM text, PEM bytes, or an authority that `createAuthority` made. */
type AuthoritySource = string | Uint8Array | Pick<Authority, 'certificate'>;

export interface EmulatorOptions {
  /** Address to listen on. Default `127.0.0.1`: whoever reaches it gets answers. */
  readonly host?: string | undefined;
  /** 0 to 65535. Default 0, any free port. */
  readonly port?: number | undefined;
  /** https, with a certificate made at the start for `localhost`, 127.0.0.1, ::1 and `host`. Default false. */
  readonly tls?: boolean | undefined;
  /** Default `us-east-1`. Requests must be signed for it. */
  readonly region?: string | undefined;
  /** Twelve digits. Default `123456789012`. */
  readonly accountId?: string | undefined;
  /** The trust anchor: one source of CA certificates or several. Default: a new authority, in `Emulator.authority`. */
  readonly certificateAuthority?: AuthoritySource | readonly AuthoritySource[] | undefined;
  /** The one role of the profile. Default `Demo`. */
  readonly roleName?: string | undefined;
  /** The profile's session duration, 900 to 43200 seconds, which is also the role's maximum. Default 3600. */
  readonly maxDurationSeconds?: number | undefined;
  /** Whether the profile accepts `roleSessionName`. Default false, as at AWS. */
  readonly acceptRoleSessionName?: boolean | undefined;
  /** The service's clock. Default: the computer's. */
  readonly now?: (() => Date) | undefined;
  /** What goes wrong on purpose. Default: nothing. {@link Faults.set} replaces it at run time. */
  readonly faults?: FaultSource | readonly FaultSource[] | undefined;
  /** Seed of the dice for faults with a `rate`, a whole number. Default 1. */
  readonly faultSeed?: number | undefined;
  /** Gets one line for each request: time, method, path, status, and why it was refused. Never a secret. */
  readonly log?: ((line: string) => void) | undefined;
}

/** The emulated service without a server. */
export interface EmulatedService {
  readonly region: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  /** Issues certificates that the trust anchor trusts; `undefined` where `certificateAuthority` was given. */
  readonly authority: Authority | undefined;
  /** Sessions issued since the start. */
  readonly sessionCount: number;
  /** What goes wrong on purpose, from the next request on. */
  readonly faults: Faults;
  /** Answers one request; the server around it adds nothing but HTTP. */
  readonly handle: Handler;
}

/** Who brings no CA gets an authority. */
export type WithoutCa = EmulatorOptions & { readonly certificateAuthority?: undefined };
export type WithAuthority = { readonly authority: Authority };

const FUNCTION = [(value: unknown) => typeof value === 'function', 'a function'] as const;

const RULES: OptionRules<EmulatorOptions> = {
  host: EMULATOR_OPTIONS.host.kind,
  port: EMULATOR_OPTIONS.port.kind,
  tls: { type: 'boolean' },
  region: { ...SESSION_OPTIONS.region.kind, rule: 'a region such as us-east-1' },
  accountId: { type: 'pattern', pattern: /^\d{12}$/, rule: 'twelve digits' },
  certificateAuthority: [
    (value) => [value].flat().length > 0 && [value].flat().every((item) => pemOf(item) !== undefined),
    'PEM text or bytes, an authority, or a list of them',
  ],
  roleName: EMULATOR_OPTIONS.roleName.kind,
  maxDurationSeconds: SESSION_OPTIONS.durationSeconds.kind,
  acceptRoleSessionName: { type: 'boolean' },
  // Checked where they are read: an object has rules of its own.
  faults: [() => true, 'faults'],
  faultSeed: EMULATOR_OPTIONS.faultSeed.kind,
  now: FUNCTION,
  log: FUNCTION,
};

/**
 * The emulator as a function from request to response, for tests that want no socket. `host`, `port` and `tls` have no effect.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID`
 * @throws IdentityError `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID` `ERR_CHAIN_NOT_CA`: a certificate authority that
 *   cannot be a trust anchor
 * @example
 * const service = await createEmulator();
 * const request = { method: 'POST', rawPath: '/sessions', rawQuery: '', headers: [], body: new Uint8Array() };
 * const { status, headers, body } = await service.handle(request);
 */
export function createEmulator(options?: WithoutCa): Promise<EmulatedService & WithAuthority>;
/** The same with a CA of the caller: `authority` is undefined. */
export function createEmulator(options: EmulatorOptions): Promise<EmulatedService>;
export async function createEmulator(options: EmulatorOptions = {}): Promise<EmulatedService> {
  const given = readEmulatorOptions(options);
  const { region = 'us-east-1', accountId = '123456789012', certificateAuthority } = given;
  const { now = () => new Date(), log = () => {} } = given;
  const { faults, decide } = createFaults();
  faults.set(given.faults ?? [], given.faultSeed);
  const authority = certificateAuthority === undefined ? await createAuthority({ now }) : undefined;
  const pems = [authority ?? certificateAuthority].flat().map((source) => pemOf(source) ?? '');
  pems.forEach(parseTrustAnchor);
  const account = createAccount(region, accountId);
  const { anchor, profile, role } = furnish(account, pems, given, now());
  const credentials = createCredentialStore();
  const operations = [
    createSessionOperation({ account, credentials }),
    ...controlPlaneOperations(account, credentials),
    // First, since it has what is for neither.
    createQueryOperation(stsService(account, credentials)),
    createQueryOperation(iamService(account, credentials)),
  ];
  return {
    region,
    trustAnchorArn: anchor.trustAnchorArn,
    profileArn: profile.profileArn,
    roleArn: role.arn,
    authority,
    get sessionCount() {
      return credentials.issuedCount;
    },
    faults,
    handle: createHandler(operations, { now, log, decideFault: decide }),
  };
}

/** A trust anchor, a role and a profile that belong together. */
function furnish(account: Account, pems: readonly string[], options: EmulatorOptions, at: Date) {
  const { roleName = EMULATOR_OPTIONS.roleName.default, acceptRoleSessionName = false } = options;
  const { maxDurationSeconds: durationSeconds = 3600 } = options;
  const source = {
    sourceType: 'CERTIFICATE_BUNDLE',
    sourceData: { x509CertificateData: pems.join('\n') },
  } as const;
  const anchor = addTrustAnchor(account, { name: 'emulator', source, enabled: true }, at);
  const assumeRolePolicyDocument = defaultTrustPolicy([anchor.trustAnchorArn]);
  const role = addRole(account, { roleName, assumeRolePolicyDocument, maxSessionDuration: 43_200 }, at);
  const profile = {
    name: 'emulator',
    enabled: true,
    roleArns: [role.arn],
    durationSeconds,
    acceptRoleSessionName,
  };
  return { anchor, role, profile: addProfile(account, profile, at) };
}

/** The text of an {@link AuthoritySource}; undefined for anything else. */
function pemOf(source: unknown): string | undefined {
  if (source instanceof Uint8Array) return Buffer.from(source).toString('latin1');
  const isAuthority = typeof source === 'object' && source !== null && 'certificate' in source;
  const text = isAuthority ? source.certificate : source;
  return typeof text === 'string' ? text : undefined;
}

export function readEmulatorOptions(options: EmulatorOptions): EmulatorOptions {
  return readOptions(options, RULES);
}
