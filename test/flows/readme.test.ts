/** What the README says is true: its tables are those of the sources, and its blocks run as they stand. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/table.js';
import { formatCommandHelp } from '../../src/cli/help.js';
import { startEmulator } from '../../src/emulator.js';
import type { OptionRow } from '../../src/options/option-row.js';
import { SESSION_OPTIONS } from '../../src/session/session-options.js';
import { PROGRAM, ROOT, run, startMachine } from './machine.js';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

function blocks(language: string): string[] {
  const fenced = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms');
  return [...README.matchAll(fenced)].map(([, text = '']) => text);
}

/** The option table, as the README shows it. */
function formatOptions(): string {
  const rows = Object.entries(SESSION_OPTIONS).map(([name, option]) => {
    const row: OptionRow = option;
    const value = row.placeholder === undefined ? '' : ` ${row.placeholder}`;
    const notes = [
      row.required === true ? 'required' : '',
      row.default === undefined || row.default === false ? '' : `default ${row.default}`,
      ...(row.env ?? []).map((variable) => `\`${variable}\``),
    ].filter(Boolean);
    return `| \`--${row.flag}${value}\` | \`${name}\` | ${row.help} | ${notes.join('; ')} |`;
  });
  return ['| flag | property | | default, environment |', '|---|---|---|---|', ...rows].join('\n');
}

describe('tables', () => {
  it('of options is the option table', () => {
    const shown = /<!-- options -->\n\n?([\s\S]*?)\n\n?<!-- \/options -->/.exec(README)?.[1];
    expect(shown).toBe(formatOptions());
  });

  it('of --help has every option of the table', () => {
    for (const command of COMMANDS) {
      const text = formatCommandHelp(command);
      for (const row of Object.values(command.options)) {
        expect(text).toContain(`--${row.flag}`);
        expect(text).toContain(row.help);
      }
      // Commands that read the environment say so, and no others.
      expect(text.includes('ROLESANYWHERE_ROLE_ARN')).toBe('config' in command.options);
    }
  });

  it('of errors has every code, and no other', () => {
    const source = readFileSync(join(ROOT, 'src', 'errors.ts'), 'utf8');
    const codes = new Set([...source.matchAll(/'(ERR_[A-Z_]+)'/g)].map(([, code]) => code));
    const section = README.slice(README.indexOf('## Errors'), README.indexOf('## Security'));
    const rows = section.split('\n').filter((line) => line.startsWith('| `ERR_'));
    const shown = new Set(rows.flatMap((row) => row.match(/ERR_[A-Z_]+/g) ?? []));
    expect([...shown].sort()).toEqual([...codes].sort());
  });
});

describe('blocks of JavaScript', () => {
  const programs = blocks('js').map(
    (text) => [/from 'rolesanywhere\/?\w*'/.exec(text)?.[0] ?? '', text] as const,
  );

  it('are there', () => expect(programs).toHaveLength(2));

  it.each(programs)('run: %s', async (_name, text) => {
    const machine = await startMachine();
    const { emulator } = machine;
    const program = text
      .replace(/arn:aws:rolesanywhere\S*TA_ID/, emulator.trustAnchorArn)
      .replace(/arn:aws:rolesanywhere\S*PROFILE_ID/, emulator.profileArn)
      .replace(/arn:aws:iam\S*ROLE_NAME/, emulator.roleArn)
      .replace('host.pem', machine.env['CERTIFICATE'] ?? '')
      .replace('host.key', machine.env['PRIVATE_KEY'] ?? '');
    const result = await run(machine, process.execPath, ['--input-type=module', '-e', program], ROOT);
    expect(result.stderr).toBe('');
    expect(result.stdout).toContain('assumed-role/Demo/');
  });
});

const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasOpenssl)('the OpenSSL recipe (left out where openssl is not installed)', () => {
  it('makes a CA and a certificate that the service takes', async () => {
    const machine = await startMachine();
    const recipe = blocks('sh').find((text) => text.includes('openssl req -x509')) ?? 'exit 1';
    const made = await run(machine, 'sh', ['-ec', recipe], machine.folder);
    expect(made.status).toBe(0);
    const certificateAuthority = readFileSync(join(machine.folder, 'ca.pem'), 'utf8');
    const emulator = await startEmulator({ certificateAuthority });
    try {
      const flags = {
        certificate: 'host.pem',
        'private-key': 'host.key',
        'trust-anchor-arn': emulator.trustAnchorArn,
        'profile-arn': emulator.profileArn,
        'role-arn': emulator.roleArn,
        endpoint: emulator.endpoint,
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      const result = await run(
        machine,
        process.execPath,
        [PROGRAM, 'credential-process', ...args],
        machine.folder,
      );
      expect(result.stderr).toBe('');
      expect(JSON.parse(result.stdout)).toMatchObject({ Version: 1 });
    } finally {
      await emulator.close();
    }
  });
});
