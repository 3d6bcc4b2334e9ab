/** An administrator of the emulated account: signed requests to its control plane and to its IAM. */
import type { EmulatedService, EmulatorOptions } from '../../../src/emulator.js';
import { createEmulator } from '../../../src/emulator.js';
import { makeCertificate, NOW } from '../pki/certificates.js';
import type { HmacDraft } from '../sessions/sign.js';
import { signHmac } from '../sessions/sign.js';

export const ROOT = makeCertificate({ commonName: 'Root', isAuthority: true, serialHex: '01' });
export const OTHER_ROOT = makeCertificate({ commonName: 'Other', isAuthority: true, serialHex: '02' });

export interface Outcome {
  readonly status: number;
  readonly type: string | undefined;
  // Tests read the members that they expect.
  readonly body: Record<string, unknown>;
}

export interface Administrator {
  readonly service: EmulatedService;
  readonly lines: string[];
  /** @param route such as `GET /crls?pageSize=1` */
  call(route: string, body?: unknown, draft?: Partial<HmacDraft>): Promise<Outcome>;
  /** @returns status and XML */
  callIam(form: Readonly<Record<string, string>>, draft?: Partial<HmacDraft>): Promise<[number, string]>;
}

const KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'unknown to the emulator',
  sessionToken: '',
};
/** Long-term keys have no session token. */
const HEADERS = { 'x-amz-security-token': undefined };

/** @param handle sends the requests to another service */
export async function makeAdministrator(
  options: EmulatorOptions = {},
  handle?: EmulatedService['handle'],
): Promise<Administrator> {
  const lines: string[] = [];
  const service = await createEmulator({
    certificateAuthority: ROOT.pem,
    now: () => NOW,
    log: (line) => lines.push(line),
    ...options,
  });
  const send = handle ?? service.handle;
  return {
    service,
    lines,
    async call(route, body, draft = {}) {
      const [, method = '', path = '', query = ''] = /^(\w+) ([^?]*)\??(.*)$/.exec(route) ?? [];
      const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      const request = signHmac({
        ...KEY,
        headers: { ...HEADERS, 'content-type': body === undefined ? undefined : 'application/json' },
        ...{ method, path, query, body: text, service: 'rolesanywhere' },
        ...draft,
      });
      const response = await send(request);
      const type = response.headers['X-Amzn-ErrorType'];
      return { status: response.status, type, body: JSON.parse(response.body) };
    },
    async callIam(form, draft = {}) {
      const body = new URLSearchParams({ Version: '2010-05-08', ...form }).toString();
      const request = signHmac({ ...KEY, headers: HEADERS, body, service: 'iam', ...draft });
      const response = await send(request);
      return [response.status, response.body];
    },
  };
}
