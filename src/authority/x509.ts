/**
 * Loads `@peculiar/x509` only when a certificate is made: callers with their own certificates need not load
 * it.
 */
import { IdentityError } from '../errors.js';

/** Ten times a large request. The package makes an object of each value: 300 bytes for two of DER. */
const MAX_DER_BYTES = 64 * 1024;

export async function loadX509() {
  // The package throws without this polyfill.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}

/** @throws IdentityError `ERR_CERTIFICATE_INVALID`: too long to be parsed by the package */
export function assertSize({ length }: Uint8Array, subject: string): void {
  if (length <= MAX_DER_BYTES) return;
  const message = `${subject} has ${length} bytes of DER, the limit is ${MAX_DER_BYTES}`;
  throw new IdentityError('ERR_CERTIFICATE_INVALID', message);
}
