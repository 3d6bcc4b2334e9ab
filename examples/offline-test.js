/**
 * Tests a program that uses Roles Anywhere, without an account and without a network. The emulator replaces
 * the service, and refuses the same requests as AWS.
 *
 *   node --test examples/offline-test.js
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSession } from 'rolesanywhere';
import { createAuthority, startEmulator } from 'rolesanywhere/emulator';

test('a certificate of the trusted CA gets credentials, one of another CA does not', async () => {
  const [ours, theirs] = [await createAuthority(), await createAuthority()];
  const emulator = await startEmulator({ certificateAuthority: ours.certificate, roleName: 'Backup' });
  try {
    const { trustAnchorArn, profileArn, roleArn, endpoint } = emulator;
    const options = { trustAnchorArn, profileArn, roleArn, endpoint };

    const session = await createSession({ ...options, ...(await ours.issue({ commonName: 'db-1' })) });
    assert.match(session.assumedRole.arn ?? '', /assumed-role\/Backup\//);

    const foreign = await theirs.issue({ commonName: 'db-1' });
    await assert.rejects(createSession({ ...options, ...foreign }), {
      code: 'ERR_SERVICE_DENIED',
      message: /Untrusted signing certificate/,
    });
  } finally {
    await emulator.close();
  }
});
