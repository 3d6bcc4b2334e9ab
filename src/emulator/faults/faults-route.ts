/**
 * Serves `/_emulator/faults`, where a test in another language lists and sets faults at run time.
 *
 * Only for clients on this machine, also when the emulator listens on other addresses. The guard of the server
 * keeps web pages out, here as on every route.
 */
import { isRolesAnywhereError } from '../../errors.js';
import { isLoopbackAddress } from '../../options/loopback.js';
import { assertKnown } from '../../options/values.js';
import type { EmulatorRequest, EmulatorResponse } from '../wire/handler.js';
import type { FaultSource } from './fault-rules.js';
import type { Faults } from './faults.js';

const PATH = '/_emulator/faults';

/**
 * `GET` lists the faults, `PUT {"faults":[{"error":503,"count":3}],"seed":1}` replaces them, `DELETE` clears
 * them.
 *
 * @returns undefined for every other path
 */
export function answerFaultsRoute(request: EmulatorRequest, faults: Faults): EmulatorResponse | undefined {
  if (request.rawPath !== PATH) return undefined;
  if (!isLoopbackAddress(request.sourceIp ?? ''))
    return json(403, { message: 'this path is for programs on this machine' });
  switch (request.method) {
    case 'GET':
      break;
    case 'PUT':
      try {
        replaceFaults(faults, parseBody(request.body));
      } catch (error) {
        if (!isRolesAnywhereError(error)) throw error;
        return json(400, { message: error.message });
      }
      break;
    case 'DELETE':
      faults.clear();
      break;
    default:
      return json(405, { message: `${PATH} takes GET, PUT and DELETE` }, { Allow: 'GET, PUT, DELETE' });
  }
  return json(200, { faults: faults.list() });
}

/** Takes an object with `faults`, a list of faults, or one fault. */
function replaceFaults(faults: Faults, value: unknown): void {
  const isWhole = typeof value === 'object' && value !== null && 'faults' in value;
  if (isWhole) assertKnown(value, ['faults', 'seed']);
  const { faults: source, seed }: { faults?: unknown; seed?: unknown } = isWhole ? value : { faults: value };
  faults.set(source as FaultSource[], seed as number | undefined);
}

/** JSON, else text in the syntax of `--fault`. */
function parseBody(body: Uint8Array): unknown {
  const text = Buffer.from(body).toString();
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(value)}\n`,
  };
}
