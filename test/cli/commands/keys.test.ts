/** `keys list` with tokens of SoftHSM, filled by OpenSSL and pkcs11-tool. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SoftHsm } from '../../identity/pkcs11/softhsm.js';
import { MODULE, missingForSoftHsm, PIN, startSoftHsm } from '../../identity/pkcs11/softhsm.js';
import { runProgram } from '../../program.js';

const missing = missingForSoftHsm();

describe.skipIf(missing)(`keys list${missing === undefined ? '' : ` (left out: no ${missing})`}`, () => {
  let hsm: SoftHsm;

  beforeAll(() => {
    hsm = startSoftHsm();
    const curve = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    for (const token of ['one', 'other']) {
      hsm.addToken(token);
      hsm.addPair(token, curve, token, '01', { subject: `/CN=${token}` });
    }
  });
  afterAll(() => hsm?.stop());

  const list = (args: readonly string[], env: Record<string, string> = {}) =>
    runProgram(['keys', 'list', '--pkcs11-lib', MODULE, ...args], {
      env: { SOFTHSM2_CONF: hsm.env['SOFTHSM2_CONF'] ?? '', ...env },
    });

  /** Whether a token counts wrong PINs (CKF_USER_PIN_COUNT_LOW), as pkcs11-tool shows it. */
  const hasWrongPins = (): boolean =>
    /user PIN count low/i.test(hsm.run('pkcs11-tool', '--module', MODULE, '--list-slots'));

  it('shows what tokens show to everybody, without a PIN', async () => {
    const { stdout, stderr, status } = await list([]);
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(
      /token "one" .*\n {2}certificate CN=one, until .*\n {4}pkcs11:token=one;.*type=cert/,
    );
    expect(stdout).toContain('token "other"');
    expect(stdout).not.toMatch(/ key "/);
  });

  it('tries a PIN on no token where several want one', async () => {
    const { stdout, stderr, status } = await list([], { ROLESANYWHERE_PKCS11_PIN: '00000000' });
    expect(status).toBe(0);
    expect(stdout).toContain('certificate CN=one');
    expect(stdout).toContain('certificate CN=other');
    expect(stderr).toMatch(/the PIN is tried on no token, since 2 tokens require one: .*pkcs11:token=LABEL/);
    expect(hasWrongPins()).toBe(false);
  });

  it('logs in to the token that --uri names, with the PIN of the environment or of the URI', async () => {
    for (const [uri, env] of [
      ['pkcs11:token=one', { ROLESANYWHERE_PKCS11_PIN: PIN }],
      [`pkcs11:token=one?pin-value=${PIN}`, {}],
    ] as const) {
      const { stdout, stderr, status } = await list(['--uri', uri], env);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      expect(stdout).toMatch(
        /^token "one" .*\n {2}certificate .*\n.*type=cert\n {2}EC key "one"\n.*type=private\n$/,
      );
    }
  });

  it('shows the certificates of a token that refuses the PIN, and fails', async () => {
    const { stdout, stderr, status } = await list(['--uri', 'pkcs11:token=other?pin-value=00000000']);
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /token "other" .*\n {2}not logged in: the token refused the PIN .*\n {2}certificate CN=other/,
    );
    expect(stderr).toMatch(/refused the PIN.*ERR_PKCS11_PIN/);
    expect(stdout + stderr).not.toContain('00000000');
    expect(hasWrongPins()).toBe(true);
  });

  it('asks at the terminal for each token with --login; without a terminal it says so', async () => {
    const { stdout, stderr, status } = await list(['--login']);
    expect(status).toBe(3);
    expect(stdout).toMatch(
      /token "one" .*\n {2}not logged in: token "one" requires a PIN.*\n {2}certificate CN=one/,
    );
    expect(stdout).toMatch(/not logged in: token "other" requires a PIN/);
    expect(stderr).toMatch(/requires a PIN, and none is given.*ERR_PKCS11_PIN/);
  });

  it('refuses a URI that is malformed', async () => {
    const { stdout, stderr, status } = await list(['--uri', 'pkcs11:tokens=one']);
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toMatch(/URI of --uri has an attribute that PKCS#11 URIs do not know: "tokens"/);
  });
});
