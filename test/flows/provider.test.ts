/**
 * The provider under the SDK's real client, across refreshes and outages, and in a process that should end.
 */
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fromRolesAnywhere } from '../../src/credentials/from-roles-anywhere.js';
import { createAuthority, startEmulator } from '../../src/emulator.js';
import { ROOT, run, startMachine } from './machine.js';

const MINUTE = 60_000;

/** An hour that can be skipped: the emulator, the provider and the client have one clock. */
async function startWorld() {
  let offsetMs = 0;
  const now = () => new Date(Date.now() + offsetMs);
  const authority = await createAuthority();
  const host = await authority.issue({ commonName: 'host-1' });
  const emulator = await startEmulator({ certificateAuthority: authority.certificate, now });
  const { trustAnchorArn, profileArn, roleArn, endpoint, region } = emulator;
  const { certificate, privateKey } = host;
  const options = { certificate, privateKey, trustAnchorArn, profileArn, roleArn, endpoint };
  const provider = fromRolesAnywhere({ ...options, now, random: () => 0, env: {} });
  const client = new STSClient({ region, endpoint, credentials: provider, maxAttempts: 1 });
  onTestFinished(async () => {
    client.destroy();
    await emulator.close();
  });
  const skip = (ms: number): void => {
    offsetMs += ms;
    client.config.systemClockOffset = offsetMs;
  };
  const ask = async () => (await client.send(new GetCallerIdentityCommand({}))).Arn;
  return { emulator, provider, client, skip, ask };
}

describe('an SDK client', () => {
  it('gets one session for many requests, and the next without waiting', async () => {
    const { emulator, provider, skip, ask } = await startWorld();
    const arns = await Promise.all(Array.from({ length: 10 }, ask));
    expect(arns[0]).toContain(':assumed-role/Demo/');
    expect(emulator.sessionCount).toBe(1);
    const { accessKeyId } = await provider();
    skip(34 * MINUTE);
    await ask();
    expect(emulator.sessionCount).toBe(1);
    skip(2 * MINUTE);
    expect((await provider()).accessKeyId).toBe(accessKeyId);
    await vi.waitFor(() => expect(emulator.sessionCount).toBe(2));
    await vi.waitFor(async () => expect((await provider()).accessKeyId).not.toBe(accessKeyId));
    // The first session ends meanwhile.
    skip(30 * MINUTE);
    expect(await ask()).toBe(arns[0]);
  });

  it('survives an outage while its credentials last, then throws the reason, and recovers', async () => {
    const { emulator, skip, ask } = await startWorld();
    await ask();
    emulator.faults.set('error=503,operation=CreateSession');
    skip(50 * MINUTE);
    await ask();
    skip(8 * MINUTE);
    await ask();
    expect(emulator.sessionCount).toBe(1);
    skip(4 * MINUTE);
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_SERVICE_FAILED', tryNextLink: false });
    emulator.faults.set([]);
    skip(2 * MINUTE);
    expect(await ask()).toContain(':assumed-role/Demo/');
    expect(emulator.sessionCount).toBe(2);
  });
});

describe('a process', () => {
  it('ends when it has nothing else to do', async () => {
    const machine = await startMachine();
    const program = `
      import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
      import { fromRolesAnywhere } from 'rolesanywhere';
      const { CERTIFICATE, PRIVATE_KEY, TRUST_ANCHOR_ARN, PROFILE_ARN, ROLE_ARN } = process.env;
      const client = new STSClient({ credentials: fromRolesAnywhere({
        certificate: CERTIFICATE, privateKey: PRIVATE_KEY,
        trustAnchorArn: TRUST_ANCHOR_ARN, profileArn: PROFILE_ARN, roleArn: ROLE_ARN,
      }) });
      console.log((await client.send(new GetCallerIdentityCommand({}))).Arn);
      const start = performance.now();
      process.on('exit', () => console.log(performance.now() - start));`;
    const result = await run(machine, process.execPath, ['--input-type=module', '-e', program], ROOT);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    const [arn, ms] = result.stdout.trim().split('\n');
    expect(arn).toContain(':assumed-role/Demo/');
    // The SDK's own idle connections are let go as well.
    expect(Number(ms)).toBeLessThan(10_000);
  });
});
