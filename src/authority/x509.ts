/**
 * Loads `@peculiar/x509` when a certificate is made: who brings certificates of their own does not pay for it.
 */

export async function loadX509() {
  // The package throws without this polyfill.
  await import('reflect-metadata');
  return await import('@peculiar/x509');
}
