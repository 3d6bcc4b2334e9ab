/**
 * The emulated service without a socket: a function from request to response.
 *
 * Each check is at least as strict as AWS's. Where AWS's behaviour is unknown, the emulator refuses, and the
 * log says why.
 */

import type { Authority } from '../authority/authority.js';
import { createAuthority } from '../authority/authority.js';
import { OptionError } from '../errors.js';
import { createAccount } from './account/account.js';
import type { Account } from './account/resources.js';
import { controlPlaneOperations } from './control/control-plane.js';
import { iamService } from './control/iam.js';
import type { Faults } from './faults/faults.js';
import { createFaults } from './faults/faults.js';
import type { EmulatorOptions, EmulatorSettings, WithAuthority, WithoutCa } from './options.js';
import { EMULATOR_DEFAULTS, parseEmulatorOptions, pemOf } from './options.js';
import { parseTrustAnchor } from './pki/trust.js';
import { createSessionOperation } from './sessions/create-session.js';
import { createCredentialStore } from './sessions/credential-store.js';
import { findFurniture, needsAuthority, quickStart, THROW_AWAY_CA } from './setup/quick-start.js';
import { applySeed, loadSeed } from './setup/seed.js';
import { createSaver, keepState, loadState } from './setup/state-file.js';
import { stsService } from './sts/sts.js';
import type { Handler } from './wire/handler.js';
import { createHandler } from './wire/handler.js';
import { createQueryOperation } from './wire/query-protocol.js';

/** The emulated service without a server. */
export interface EmulatedService {
  readonly region: string;
  readonly trustAnchorArn: string;
  readonly profileArn: string;
  readonly roleArn: string;
  /** Issues certificates that the trust anchor trusts; undefined if the caller brought the CA. */
  readonly authority: Authority | undefined;
  /** Number of sessions issued since the start. */
  readonly sessionCount: number;
  /** The injected faults; changes take effect with the next request. */
  readonly faults: Faults;
  /** Answers one request. The server adds HTTP only, and the guard against web pages. */
  readonly handle: Handler;
}

/**
 * Creates the emulator as a function from request to response, for tests without a socket. `host`, `port`,
 * `tls` and `allowHosts` have no effect.
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
/** With a CA, a seed or a state of the caller, `authority` may be undefined. */
export function createEmulator(options: EmulatorOptions): Promise<EmulatedService>;
export async function createEmulator(options: EmulatorOptions = {}): Promise<EmulatedService> {
  return await createService(parseEmulatorOptions(options));
}

/** @throws as {@link createEmulator}, but for the options */
export async function createService(settings: EmulatorSettings): Promise<EmulatedService> {
  const { now, log, verbose, state } = settings;
  const { account, ...furniture } = await setUp(settings);
  const save = state === undefined ? undefined : createSaver(state, account);
  await save?.();
  const credentials = createCredentialStore();
  const operations = [
    createSessionOperation({ account, credentials, strictAttributes: settings.strictAttributes }),
    ...controlPlaneOperations(account, credentials),
    // The first service on `/` answers requests that belong to no other.
    createQueryOperation(stsService(account, credentials)),
    createQueryOperation(iamService(account, credentials)),
  ];
  const { faults, decide } = createFaults(operations.flatMap(({ names }) => names));
  faults.set(settings.faults, settings.faultSeed);
  const handle = createHandler(operations, { now, log, isVerbose: verbose, decideFault: decide });
  return {
    region: account.region,
    ...furniture,
    get sessionCount() {
      return credentials.issuedCount;
    },
    faults,
    handle: save === undefined ? handle : keepState(handle, save, log ?? (() => {})),
  };
}

/** Loads the state or the seed, and adds what a session needs and the account lacks. */
async function setUp(options: EmulatorSettings) {
  const { region, accountId, state, seed, certificateAuthority, now } = options;
  const known = state === undefined ? undefined : await loadState(state);
  const account =
    known ?? createAccount(region ?? EMULATOR_DEFAULTS.region, accountId ?? EMULATOR_DEFAULTS.accountId);
  checkSame(account, options);
  // On an existing account a seed would undo later changes.
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
  const { roleName = EMULATOR_DEFAULTS.roleName } = options;
  const { maxDurationSeconds: durationSeconds, acceptRoleSessionName } = options;
  const wished = { roleName, durationSeconds, acceptRoleSessionName };
  return { account, authority, ...quickStart(account, pems.join('\n'), wished, now()) };
}

/** The quota of CreateTrustAnchor, which is fixed. */
function checkAuthorities(pems: readonly string[]): void {
  const count = pems.flatMap(parseTrustAnchor).length;
  if (count <= 2) return;
  const message = `certificateAuthority must hold at most 2 certificates, as at AWS, found ${count}`;
  throw new OptionError('ERR_OPTION_INVALID', message);
}

/** Refuses options that contradict the state file. */
function checkSame({ region, accountId }: Account, options: EmulatorSettings): void {
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

/** Refuses options of the quick start that would have no effect. Naming the role that is used is allowed. */
function refuseQuickStart(options: EmulatorSettings, roleArn: string): void {
  const names = ['roleName', 'maxDurationSeconds', 'acceptRoleSessionName'] as const;
  const isUsed = options.roleName === roleArn.split('/').at(-1);
  const given = names.find((name) => options[name] !== undefined && !(name === 'roleName' && isUsed));
  if (given === undefined) return;
  const flag = given === 'roleName' ? ' (--role)' : '';
  const message = `${given}${flag} has no effect: the account already has a role and a profile`;
  throw new OptionError('ERR_OPTION_CONFLICT', message);
}
