/** Every line on stderr begins with the name under which the program was started. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { programWords as stableWords } from '../../src/cli/configure/program-words.js';
import { programWords } from '../../src/cli/program-name.js';
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

describe('the words that start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'program-'));
  const at = (name: string): string => join(folder, name);
  mkdirSync(at('bin'));
  mkdirSync(at('opt'));
  writeFileSync(at('opt/rolesanywhere-linux-x64'), '');
  for (const name of ['rolesanywhere', 'aws_signing_helper']) {
    symlinkSync(at('opt/rolesanywhere-linux-x64'), at(`bin/${name}`));
  }
  afterAll(() => rmSync(folder, { recursive: true }));
  const execPath = at('opt/rolesanywhere-linux-x64');
  const env = { PATH: `/nowhere:${at('bin')}` };

  it('the program on Node: Node and the script', () => {
    const argv = ['/usr/bin/node', '/opt/dist/bin.cjs', 'version'];
    expect(programWords({ argv, argv0: 'node', execPath: '/usr/bin/node', env })).toEqual(argv.slice(0, 2));
  });

  it.each([
    ['by the name in PATH', 'rolesanywhere', env, 'opt/rolesanywhere-linux-x64'],
    ['as the helper, in PATH', 'aws_signing_helper', env, 'bin/aws_signing_helper'],
    ['as the helper, by its path', at('bin/aws_signing_helper'), {}, 'bin/aws_signing_helper'],
    ['as the helper, which is not found', 'aws_signing_helper', {}, 'opt/aws_signing_helper'],
  ])('the one file, %s: one path', (_how, argv0, environment, expected) => {
    const argv = ['bun', '/$bunfs/root/rolesanywhere-linux-x64'];
    expect(programWords({ argv, argv0, execPath, env: environment })).toEqual([at(expected)]);
  });

  it.each([
    ['the name in PATH', execPath, env, 'bin/rolesanywhere'],
    ['the link of the helper', at('bin/aws_signing_helper'), env, 'bin/aws_signing_helper'],
    ['its own path, which PATH does not have', execPath, { PATH: '/nowhere' }, 'opt/rolesanywhere-linux-x64'],
  ])('the one file, in files: %s', (_what, program, environment, expected) => {
    expect(stableWords([program], environment)).toEqual([at(expected)]);
  });
});
