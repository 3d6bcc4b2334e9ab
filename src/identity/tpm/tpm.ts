/**
 * Speaks to a TPM: one method for each command that signing needs, over the command protocol of the TPM
 * library specification.
 *
 * Source: TPM 2.0 Library Specification, Part 1, "Command/Response Structure", and Part 3, "Commands".
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Authorization } from './auth-session.js';
import { EMPTY_PASSWORD } from './auth-session.js';
import { sized, TpmFormatError, TpmReader, u8, u16, u32 } from './codec.js';
import type { TpmDevice } from './device.js';
import type { Scheme, TpmObject } from './public-area.js';
import { ALG_ECDSA, ALG_NULL, ALG_RSASSA, ALG_SHA256, parsePublicArea } from './public-area.js';
import { TpmCommandError } from './response-code.js';

/** TPM_CC, and how many handles stand at the front of command and response. */
const COMMANDS = {
  CreatePrimary: { code: 0x131, responseHandles: 1 },
  Load: { code: 0x157, responseHandles: 1 },
  Sign: { code: 0x15d, responseHandles: 0 },
  FlushContext: { code: 0x165, responseHandles: 0 },
  PolicyAuthValue: { code: 0x16b, responseHandles: 0 },
  ReadPublic: { code: 0x173, responseHandles: 0 },
  StartAuthSession: { code: 0x176, responseHandles: 1 },
  GetCapability: { code: 0x17a, responseHandles: 0 },
  PolicyPCR: { code: 0x17f, responseHandles: 0 },
} as const;

type CommandName = keyof typeof COMMANDS;

const TAG_NO_SESSIONS = 0x8001;
const TAG_SESSIONS = 0x8002;
const TAG_HASHCHECK = 0x8024;
const RH_NULL = 0x40000007;
const HEADER_BYTES = 10;

/** The time to wait for a TPM that is busy with another user. */
const RETRY_TIMEOUT_MS = 8000;
const RETRY_PAUSE_MS = 100;

interface Command {
  readonly name: CommandName;
  readonly handles?: readonly number[];
  /** Names of the entities behind the handles, for the HMAC. Default: the handles themselves. */
  readonly names?: readonly Buffer[];
  readonly parameters?: readonly Buffer[];
  /** For the first handle. */
  readonly authorization?: Authorization;
}

interface Answer {
  readonly handle: number | undefined;
  readonly parameters: TpmReader;
}

export class Tpm {
  readonly #device: TpmDevice;

  constructor(device: TpmDevice) {
    this.#device = device;
  }

  /** @throws TpmCommandError `HANDLE` where the TPM has no such object */
  async readPublic(handle: number): Promise<TpmObject> {
    const { parameters } = await this.#run({ name: 'ReadPublic', handles: [handle] });
    return { handle, publicArea: parsePublicArea(parameters.sized()) };
  }

  /**
   * @param hierarchy its authorization value must be empty
   * @param template TPMT_PUBLIC
   */
  async createPrimary(hierarchy: number, template: Buffer): Promise<TpmObject> {
    const noSensitiveData = sized(sized(), sized());
    const { handle = 0, parameters } = await this.#run({
      name: 'CreatePrimary',
      handles: [hierarchy],
      parameters: [noSensitiveData, sized(template), sized(), u32(0)],
      authorization: EMPTY_PASSWORD,
    });
    return { handle, publicArea: parsePublicArea(parameters.sized()) };
  }

  /** @param parent its authorization value must be empty */
  async load(parent: number, privateArea: Buffer, publicArea: Buffer): Promise<number> {
    const { handle = 0 } = await this.#run({
      name: 'Load',
      handles: [parent],
      parameters: [sized(privateArea), sized(publicArea)],
      authorization: EMPTY_PASSWORD,
    });
    return handle;
  }

  /**
   * @param digest as long as the scheme's hash
   * @returns RSA: the signature; EC: r and s
   */
  async sign(
    key: TpmObject,
    digest: Buffer,
    scheme: Scheme,
    authorization: Authorization,
  ): Promise<Buffer[]> {
    const noTicket = [u16(TAG_HASHCHECK), u32(RH_NULL), sized()];
    const { parameters } = await this.#run({
      name: 'Sign',
      handles: [key.handle],
      names: [key.publicArea.name],
      parameters: [sized(digest), u16(scheme.id), u16(scheme.hash ?? ALG_NULL), ...noTicket],
      authorization,
    });
    const algorithm = parameters.u16();
    parameters.u16();
    if (algorithm === ALG_RSASSA) return [parameters.sized()];
    if (algorithm === ALG_ECDSA) return [parameters.sized(), parameters.sized()];
    throw new TpmFormatError(
      `an RSASSA or ECDSA signature expected, algorithm 0x${algorithm.toString(16)} found`,
    );
  }

  async flush(handle: number): Promise<void> {
    await this.#run({ name: 'FlushContext', parameters: [u32(handle)] });
  }

  /** @param isPolicy a policy session; else one for HMACs */
  async startSession(
    salt: { readonly key: number; readonly encrypted: Buffer },
    nonce: Buffer,
    isPolicy: boolean,
  ): Promise<{ readonly handle: number; readonly nonceTpm: Buffer }> {
    const { handle = 0, parameters } = await this.#run({
      name: 'StartAuthSession',
      handles: [salt.key, RH_NULL],
      parameters: [
        sized(nonce),
        sized(salt.encrypted),
        u8(isPolicy ? 0x01 : 0x00),
        u16(ALG_NULL),
        u16(ALG_SHA256),
      ],
    });
    return { handle, nonceTpm: parameters.sized() };
  }

  /** One step of a policy. @param parameters as the key file has them */
  async policy(name: 'PolicyPCR' | 'PolicyAuthValue', session: number, parameters: Buffer): Promise<void> {
    await this.#run({ name, handles: [session], parameters: [parameters] });
  }

  /** TPM_PT_MANUFACTURER and the like, by property number. */
  async properties(first: number, count: number): Promise<ReadonlyMap<number, number>> {
    const { parameters } = await this.#run({
      name: 'GetCapability',
      parameters: [u32(0x6), u32(first), u32(count)],
    });
    parameters.octets(1 + 4);
    const found = Array.from(
      { length: parameters.u32() },
      () => [parameters.u32(), parameters.u32()] as const,
    );
    return new Map(found);
  }

  close(): Promise<void> {
    return this.#device.close();
  }

  async #run(command: Command): Promise<Answer> {
    for (const limit = AbortSignal.timeout(RETRY_TIMEOUT_MS); ; await wait(RETRY_PAUSE_MS)) {
      try {
        return await this.#runOnce(command);
      } catch (error) {
        const isPassing = error instanceof TpmCommandError && error.isPassing;
        if (!isPassing || limit.aborted) throw error;
      }
    }
  }

  async #runOnce({ name, handles = [], names, parameters = [], authorization }: Command): Promise<Answer> {
    const { code, responseHandles } = COMMANDS[name];
    const body = Buffer.concat(parameters);
    const entityNames = names ?? handles.map(u32);
    const area = authorization?.forCommand(Buffer.concat([u32(code), ...entityNames, body]));
    const rest = Buffer.concat([...handles.map(u32), ...(area ? [u32(area.length), area] : []), body]);
    const tag = area === undefined ? TAG_NO_SESSIONS : TAG_SESSIONS;
    const response = await this.#device.exchange(
      Buffer.concat([u16(tag), u32(HEADER_BYTES + rest.length), u32(code), rest]),
    );
    return readAnswer(name, response, responseHandles, code, authorization);
  }
}

function readAnswer(
  name: CommandName,
  response: Buffer,
  responseHandles: number,
  code: number,
  authorization: Authorization | undefined,
): Answer {
  const reader = new TpmReader(response);
  const tag = reader.u16();
  if (reader.u32() !== response.length)
    throw new TpmFormatError(`the response to ${name} has another length than it says`);
  const responseCode = reader.u32();
  if (responseCode !== 0) throw new TpmCommandError(name, responseCode);
  const handle = responseHandles === 0 ? undefined : reader.u32();
  if (tag !== TAG_SESSIONS) return { handle, parameters: new TpmReader(reader.octets(reader.left)) };
  const parameters = reader.octets(reader.u32());
  const nonceTpm = reader.sized();
  const attributes = reader.u8();
  const hmac = reader.sized();
  reader.end();
  authorization?.checkResponse(Buffer.concat([u32(0), u32(code), parameters]), {
    nonceTpm,
    attributes,
    hmac,
  });
  return { handle, parameters: new TpmReader(parameters) };
}
