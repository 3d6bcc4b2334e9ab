/** The fixtures of certs/ by name, and their manifest. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SigningIdentity } from '../src/identity/identity.js';
import { loadIdentity } from '../src/identity/load.js';

export interface Fixture {
  readonly name: string;
  readonly files: {
    readonly certificate: string;
    readonly privateKey?: string;
    readonly intermediates?: string;
  };
  readonly trustAnchor?: string;
  readonly passphrase?: boolean;
  readonly expect: string;
  readonly also?: readonly string[];
  readonly severity?: 'error' | 'warning';
}

const folder = join(import.meta.dirname, '..', 'certs');

export function path(file: string): string {
  return join(folder, file);
}

export function text(file: string): string {
  return readFileSync(path(file), 'utf8');
}

export const manifest: { readonly passphrase: string; readonly fixtures: readonly Fixture[] } = JSON.parse(
  text('manifest.json'),
);

/** A time at which all fixtures are as the manifest describes them. */
export const NOW = new Date('2026-06-01T12:00:00Z');

export function load(fixture: Fixture): Promise<SigningIdentity> {
  const { certificate, privateKey, intermediates } = fixture.files;
  return loadIdentity({
    certificate: path(certificate),
    privateKey: privateKey && path(privateKey),
    intermediates: intermediates && path(intermediates),
    passphrase: fixture.passphrase ? manifest.passphrase : undefined,
  });
}

/** A good identity by the name of its files: `rsa-2048`, `ec-p256`, … */
export function identity(name: string): Promise<SigningIdentity> {
  return loadIdentity({ certificate: path(`${name}.pem`), privateKey: path(`${name}.key.pem`) });
}
