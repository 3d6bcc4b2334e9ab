/** A folder for caches, settings, an identity and sessions to keep, all of this test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { SealingKey } from '../../../src/identity/sealing-key.js';
import { sealingKeyOf } from '../../../src/identity/sealing-key.js';
import type { Session } from '../../../src/session/response.js';
import type { Settings } from '../../../src/session/settings.js';
import { parseSettings } from '../../../src/session/settings.js';
import { ARNS } from '../../fake-service.js';
import { identity, NOW, path } from '../../fixtures.js';

export const MINUTE_MS = 60_000;

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolesanywhere-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function settings(options: Parameters<typeof parseSettings>[0] = {}): Settings {
  const source = { certificate: path('ec-p256.pem'), privateKey: path('ec-p256.key.pem') };
  return parseSettings({ ...source, ...ARNS, ...options });
}

/** The key of a good identity, by the name of its files. */
export async function sealingKey(name = 'ec-p256'): Promise<SealingKey> {
  const key = sealingKeyOf(await identity(name));
  if (key === undefined) throw new Error(`no key for ${name}`);
  return key;
}

export function session(id: string, minutes = 60, from = NOW): Session {
  return {
    accessKeyId: id,
    secretAccessKey: 'canary-secret',
    sessionToken: 'canary-token',
    expiration: new Date(from.getTime() + minutes * MINUTE_MS),
    accountId: '111122223333',
    assumedRole: { arn: 'arn:aws:sts::111122223333:assumed-role/ROLE/1', id: 'AROA:1' },
    roleArn: ARNS.roleArn,
    sourceIdentity: 'CN=x',
    packedPolicySize: 1,
    subjectArn: undefined,
  };
}
