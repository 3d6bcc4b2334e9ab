/**
 * `/_emulator/faults`, where a test in another language sets faults at run time. In: a request and who sent it. Out:
 * the faults in force, or a refusal; undefined for every other path.
 *
 * For this machine alone: a page in a browser reaches 127.0.0.1 too, also under a name of its own (DNS rebinding), but
 * then `Host` has that name, or `Origin` is there, which other clients don't send.
 */

import { isRolesAnywhereError } from '../../errors.js';
import { isLoopback, isLoopbackAddress } from '../../options/loopback.js';
import { refuseUnknown } from '../../options/values.js';
import type { EmulatorRequest, EmulatorResponse } from '../wire/handler.js';
import type { FaultSource } from './fault-rules.js';
import type { Faults } from './faults.js';

const PATH = '/_emulator/faults';

/**
 * `GET` answers with the faults, `PUT {"faults":[{"error":503,"count":3}],"seed":1}` replaces them, `DELETE` ends them. */
export function answerFaultsRoute(request: EmulatorRequest, faults: Faults): EmulatorResponse | undefined {
  if (request.rawPath !== PATH) return undefined;
  if (!isLocal(request)) return json(403, { message: 'this path is for programs on this machine' });
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

/** What is no object with `faults` is the list itself, or one of its items. */
function replaceFaults(faults: Faults, value: unknown): void {
  const isWhole = typeof value === 'object' && value !== null && 'faults' in value;
  if (isWhole) refuseUnknown(value, ['faults', 'seed']);
  const { faults: source, seed }: { faults?: unknown; seed?: unknown } = isWhole ? value : { faults: value };
  faults.set(source as FaultSource[], seed as number | undefined);
}

/** What is not JSON is text as `--fault` takes it. */
function parseBody(body: Uint8Array): unknown {
  const text = Buffer.from(body).toString();
  try {
    return JSON.parse(text);
  } catch {
    return text.trim();
  }
}

function isLocal({ headers, sourceIp = '' }: EmulatorRequest): boolean {
  const hosts = headers.filter(([name]) => name === 'host').map(([, value]) => value);
  const isForeign = headers.some(([name]) => name === 'origin' || name === 'x-forwarded-for');
  return !isForeign && isLoopbackAddress(sourceIp) && hosts.length === 1 && isOwn(hosts[0]);
}

function isOwn(host = ''): boolean {
  const url = `http://${host}`;
  return /^[\w.:[\]-]+$/.test(host) && URL.canParse(url) && isLoopback(new URL(url).hostname);
}

function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: `${JSON.stringify(value)}\n`,
  };
}
