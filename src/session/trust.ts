/**
 * Decides which certificate authorities TLS trusts. A bundle of the caller is tried first and alone; without
 * one, Node's own list is. Only after a handshake that failed for an unknown authority (nothing has been sent
 * by then) are the others of the machine read, which would otherwise cost every call up to 200 ms.
 */
import { loadTrustBundle } from '../identity/load.js';
import type { Connection } from './settings.js';

export interface TlsOptions {
  readonly minVersion: 'TLSv1.2';
  readonly rejectUnauthorized: boolean;
  /** PEM texts, each of one or more certificates, instead of Node's list. */
  readonly ca?: string[];
}

/** Node's own list of authorities. */
export const STRICT: TlsOptions = { minVersion: 'TLSv1.2', rejectUnauthorized: true };

/** The levels of trust, in order: the next one is tried if the authority is unknown to the one before. */
export function trustLevels(connection: Connection): Array<() => Promise<TlsOptions>> {
  const { caBundle, verifyTls } = connection;
  const base = { minVersion: 'TLSv1.2', rejectUnauthorized: verifyTls } as const;
  const bundle = caBundle === undefined ? undefined : () => loadTrustBundle(caBundle);
  const first = async (): Promise<TlsOptions> => ({ ...base, ...(bundle && { ca: [await bundle()] }) });
  if (!verifyTls) return [first];
  const all = async (): Promise<TlsOptions> => {
    const own = bundle === undefined ? [] : [await bundle()];
    const { furtherAuthorities } = await import('./system-trust.js');
    return { ...base, ca: [...own, ...(await furtherAuthorities(connection.trust))] };
  };
  return [first, all];
}
