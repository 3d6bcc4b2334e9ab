/**
 * The emulated service without a socket. In: options. Out: a handler, and what a client needs to know to ask it.
 * Each check that it makes is at least as strict as AWS's; where AWS's behaviour is unknown it refuses, and the log says
 * why.
 */

import type { Authority, OptionRules } from '../authority/authority.js';
import { createAuthority, readOptions } from '../authority/authority.js';
import { EMULATOR_OPTIONS } from '../cli/options/command-options.js';
import { OptionError } from '../errors.js';
import { SESSION_OPTIONS } from '../session/session-options.js';
import { createAccount } from './account/account.js';
import type { Account } from './account/resources.js';
import { controlPlaneOperations } from './control/control-plane.js';
import { iamService } from './control/iam.js';
import type { FaultSource } from './faults/fault-rules.js';
import { parseFaults } from './faults/fault-rules.js';
import type { Faults } from './faults/faults.js';
import { createFaults } from './faults/faults.js';
import { parseTrustAnchor } from './pki/trust.js';
import { createSessionOperation } from './sessions/create-session.js';
import { createCredentialStore } from './sessions/credential-store.js';
import { findFurniture, needsAuthority, quickStart, THROW_AWAY_CA } from './setup/quick-start.js';
import type { Seed } from './setup/seed.js';
import { applySeed, loadSeed } from './setup/seed.js';
import { createSaver, keepState, loadState } from './setup/state-file.js';
import { stsService } from './sts/sts.js';
import type { Handler } from './wire/handler.js';
import { createHandler } from './wire/handler.js';
import { createQueryOperation } from './wire/query-protocol.js';

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
  /**
   * Path of a file that keeps the account, so that it outlives the emulator; made where there is none. Each change is in it
   * before the client hears of it. Sessions are not kept. What it holds is used as it is; only
   * a trust anchor of the emulator's own gets a new authority. Default: the account ends with the emulator.
   */
  readonly state?: string | undefined;
  /**
   * What a new account begins with: trust anchors, CRLs, roles and profiles, as an object or as the path of a JSON file.
   * Without effect where `state` names a file that is there. With it, an authority, a role and a profile are made only
   * where the seed has none, or `certificateAuthority` is given.
   */
  readonly seed?: string | Seed | undefined;
  /** The service's clock. Default: the computer's. */
  readonly now?: (() => Date) | undefined;
  /** What goes wrong on purpose. Default: nothing. {@link Faults.set} replaces it at run time. */
  readonly faults?: FaultSource | readonly FaultSource[] | undefined;
  /** Seed of the dice for faults with a `rate`, a whole number. Default 1. */
  readonly faultSeed?: number | undefined;
  /** Gets one line for each request: time, method, path, status, and why it was refused. Never a secret. */
  readonly log?: ((line: string) => void) | undefined;
  /**
   * Long reasons go on in indented lines, and where a signature does not fit, canonical request and string to sign of
   * both sides follow. Default false.
   */
  readonly verbose?: boolean | undefined;
}

/** The emulated service without a server. */
export interface EmulatedService {
  readonly region: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  /** Issues certificates that the trust anchor trusts; `undefined` where the CA is not its own. */
  readonly authority: Authority | undefined;
  /** Sessions issued since the start. */
  readonly sessionCount: number;
  /** What goes wrong on purpose, from the next request on. */
  readonly faults: Faults;
  /** Answers one request; the server around it adds nothing but HTTP. */
  readonly handle: Handler;
}

/** Who brings no CA, no seed and no state gets an authority. */
export type WithoutCa = EmulatorOptions & {
  readonly certificateAuthority?: undefined;
  readonly seed?: undefined;
  readonly state?: undefined;
};
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
  state: EMULATOR_OPTIONS.state.kind,
  seed: [(value) => typeof value === 'string' || typeof value === 'object', 'a path or an object'],
  // Checked where they are read: an object has rules of its own.
  faults: [() => true, 'faults'],
  faultSeed: EMULATOR_OPTIONS.faultSeed.kind,
  now: FUNCTION,
  log: FUNCTION,
  verbose: { type: 'boolean' },
};

/**
 * The emulator as a function from request to response, for tests that want no socket. `host`, `port` and `tls` have no effect.
 *
 * @throws OptionError `ERR_OPTION_UNKNOWN` `ERR_OPTION_INVALID` `ERR_OPTION_CONFLICT`
 * @throws OutputError `ERR_FILE_WRITE`: the state
 * @throws IdentityError `ERR_FILE_UNREADABLE`: state or seed; `ERR_PEM_INVALID` `ERR_CERTIFICATE_INVALID`
 *   `ERR_CHAIN_NOT_CA`: a certificate authority that cannot be a trust anchor
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
  const { now = () => new Date(), log = () => {} } = given;
  // Before anything is loaded or made.
  const rules = parseFaults(given.faults ?? []);
  const { account, ...furniture } = await setUp(given, now);
  const save = given.state === undefined ? undefined : createSaver(given.state, account);
  await save?.();
  const credentials = createCredentialStore();
  const operations = [
    createSessionOperation({ account, credentials }),
    ...controlPlaneOperations(account, credentials),
    // First, since it has what is for neither.
    createQueryOperation(stsService(account, credentials)),
    createQueryOperation(iamService(account, credentials)),
  ];
  const { faults, decide } = createFaults(operations.flatMap(({ names }) => names));
  faults.set(rules, given.faultSeed);
  const handle = createHandler(operations, {
    now,
    log: given.log,
    isVerbose: given.verbose === true,
    decideFault: decide,
  });
  return {
    region: account.region,
    ...furniture,
    get sessionCount() {
      return credentials.issuedCount;
    },
    faults,
    handle: save === undefined ? handle : keepState(handle, save, log),
  };
}

/** What was there, what the seed brings, and what is needed to ask for a session. */
async function setUp(options: EmulatorOptions, now: () => Date) {
  const { region, accountId, state, seed, certificateAuthority } = options;
  const known = state === undefined ? undefined : await loadState(state);
  const account = known ?? createAccount(region ?? 'us-east-1', accountId ?? '123456789012');
  checkSame(account, options);
  // A seed is for the beginning: it would undo what has been changed since.
  if (known === undefined && seed !== undefined) applySeed(account, await loadSeed(seed), now());
  const isComplete = certificateAuthority === undefined && !needsAuthority(account);
  const furniture = isComplete ? findFurniture(account) : undefined;
  if (furniture !== undefined) {
    refuseQuickStart(options, furniture.roleArn);
    return { account, authority: undefined, ...furniture };
  }
  const authority =
    certificateAuthority === undefined
      ? await createAuthority({ now, commonName: THROW_AWAY_CA })
      : undefined;
  const pems = [authority ?? certificateAuthority].flat().map((source) => pemOf(source) ?? '');
  checkAuthorities(pems);
  const { roleName = EMULATOR_OPTIONS.roleName.default } = options;
  const { maxDurationSeconds: durationSeconds, acceptRoleSessionName } = options;
  const wished = { roleName, durationSeconds, acceptRoleSessionName };
  return { account, authority, ...quickStart(account, pems.join('\n'), wished, now()) };
}

/** As for CreateTrustAnchor: the quota is not adjustable. */
function checkAuthorities(pems: readonly string[]): void {
  const count = pems.flatMap(parseTrustAnchor).length;
  if (count <= 2) return;
  const message = `certificateAuthority must hold at most 2 certificates, as a trust anchor at AWS, found ${count}`;
  throw new OptionError('ERR_OPTION_INVALID', message);
}

/** An account is of one region and has one number, whatever the options say. */
function checkSame({ region, accountId }: Account, options: EmulatorOptions): void {
  for (const [name, kept] of [
    ['region', region],
    ['accountId', accountId],
  ] as const) {
    const given = options[name] ?? kept;
    if (given === kept) continue;
    const message = `${name} is ${given}, but the state file ${options.state} is of ${kept}`;
    throw new OptionError('ERR_OPTION_CONFLICT', message);
  }
}

/** Options of the quick start would have no effect, but for naming the role that is used anyway. */
function refuseQuickStart(options: EmulatorOptions, roleArn: string): void {
  const names = ['roleName', 'maxDurationSeconds', 'acceptRoleSessionName'] as const;
  const isUsed = options.roleName === roleArn.split('/').at(-1);
  const given = names.find((name) => options[name] !== undefined && !(name === 'roleName' && isUsed));
  if (given === undefined) return;
  const flag = given === 'roleName' ? ' (--role)' : '';
  const message = `${given}${flag} is for a role and a profile that the emulator makes, but the account has them`;
  throw new OptionError('ERR_OPTION_CONFLICT', message);
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
