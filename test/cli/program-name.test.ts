/** Every line on stderr begins with the name under which the program was started. */
import { describe, expect, it } from 'vitest';
import { formatDebug, formatNotice, formatWarning } from '../../src/cli/terminal/report.js';
import { startFakeService, lastingSuccess as success } from '../fake-service.js';
import { path } from '../fixtures.js';
import { credentialProcess, runMain } from '../program.js';

describe.each([
  ['rolesanywhere', '/opt/rolesanywhere/dist/bin.cjs'],
  ['aws_signing_helper', '/usr/local/bin/aws_signing_helper'],
] as const)('as %s', (name, program) => {
  it('in warnings and debug lines', async () => {
    const { endpoint } = await startFakeService([success]);
    const short = { certificate: path('warn-rsa-1024.pem'), 'private-key': path('warn-rsa-1024.key.pem') };
    const args = [...credentialProcess({ ...short, endpoint }), '--debug'];
    const { status, stderr } = await runMain(args, { program });
    expect(status).toBe(0);
    const lines = stderr.trimEnd().split('\n');
    expect(
      lines.filter((line) => !line.startsWith(`${name}: debug: `) && !line.startsWith(`${name}: warning: `)),
    ).toEqual([]);
    expect(stderr).toContain(`\n${name}: debug: string to sign:\n`);
    expect(stderr).toMatch(new RegExp(`^${name}: warning: .* 2048 bits`, 'm'));
  });

  it('in errors and their hints', async () => {
    const { stderr } = await runMain(['credential-process', '--colour'], { program });
    expect(stderr).toBe(
      `${name}: unknown flag --colour (ERR_OPTION_UNKNOWN)\nhint: see ${name} credential-process --help\n`,
    );
  });

  it('in each kind of line', () => {
    expect(formatWarning(name, 'a\nb')).toBe(`${name}: warning: a b\n`);
    expect(formatNotice(name, 'touch the token')).toBe(`${name}: touch the token\n`);
    expect(formatDebug(name, 'a\nb')).toBe(`${name}: debug: a\n${name}: debug: b\n`);
  });
});
