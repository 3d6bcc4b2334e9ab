/**
 * Loads `@peculiar/x509` only when a certificate is made: callers with their own certificates need not load
 * it.
 */

export async function loadX509() {
  // The package throws without this polyfill.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}
