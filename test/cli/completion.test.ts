/** Completion scripts, judged by the shells themselves, and the manual page, judged by man. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LOADED_COMMANDS } from '../commands.js';
import { runMain } from '../program.js';

const folder = mkdtempSync(join(tmpdir(), 'completion-'));
writeFileSync(join(folder, 'host.pem'), '');
afterAll(() => rmSync(folder, { recursive: true }));

async function script(kind: string): Promise<string> {
  const { status, stdout, stderr } = await runMain(['completion', kind]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const path = join(folder, `completion.${kind}`);
  writeFileSync(path, stdout);
  return path;
}

function run(program: string, ...args: string[]): string[] {
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8' }).split('\n').filter(Boolean);
}

function missing(program: string): string {
  return spawnSync(program, ['--version']).error === undefined ? '' : ` (left out: no ${program})`;
}

describe(`bash${missing('bash')}`, () => {
  async function complete(...words: string[]): Promise<string[]> {
    const list = words.map((word) => `'${word}'`).join(' ');
    const code =
      `source '${await script('bash')}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; ` +
      `_rolesanywhere; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return run('bash', '-c', code);
  }

  it.skipIf(missing('bash'))('completes commands, subcommands, flags and files', async () => {
    expect(await complete('rolesanywhere', 'cred')).toEqual(['credential-process']);
    expect(await complete('rolesanywhere', 'cache', '')).toEqual(['list', 'clear']);
    expect(await complete('rolesanywhere', 'serve', '--sock')).toEqual(['--socket', '--socket-mode']);
    expect(await complete('rolesanywhere', 'keys', 'list', '--pkcs11-l')).toEqual(['--pkcs11-lib']);
    expect(await complete('rolesanywhere', 'serve', '--certificate', 'ho')).toEqual(['host.pem']);
    expect(await complete('rolesanywhere', 'serve', '--certificate', '=', 'ho')).toEqual(['host.pem']);
    expect(await complete('rolesanywhere', 'serve', '--role-arn', '')).toEqual([]);
  });

  it.skipIf(missing('bash'))('keeps a file name with a space in one piece', async () => {
    writeFileSync(join(folder, 'my host.pem'), '');
    expect(await complete('rolesanywhere', 'serve', '--certificate', 'my')).toEqual(['my host.pem']);
  });

  it('has nothing that bash 3.2 lacks, which macOS has', async () => {
    const { stdout } = await runMain(['completion', 'bash']);
    // Since bash 4: mapfile, associative arrays, case modification, |&, ;& and source <(…).
    const code = stdout.replace(/^ *#.*$/gm, '');
    expect(code).toContain('_rolesanywhere_reply');
    expect(code).not.toMatch(/\b(mapfile|readarray|source)\b|declare -A|\$\{\w+(,,|\^\^)|\|&|;&/);
  });
});

describe(`fish${missing('fish')}`, () => {
  it.skipIf(missing('fish'))('completes commands, subcommands, flags and files', async () => {
    const path = await script('fish');
    const complete = (line: string): string[] =>
      run('fish', '--no-config', '-c', `source '${path}'; complete -C '${line}'`).map(
        (found) => found.split('\t')[0] ?? '',
      );
    expect(complete('rolesanywhere cred')).toEqual(['credential-process']);
    expect(complete('rolesanywhere cache ')).toEqual(['clear', 'list']);
    expect(complete('rolesanywhere serve --sock')).toEqual(['--socket', '--socket-mode']);
    expect(complete('rolesanywhere keys list --pkcs11-l')).toEqual(['--pkcs11-lib']);
    expect(complete('rolesanywhere serve --certificate ho')).toEqual(['host.pem']);
  });
});

describe(`zsh${missing('zsh')}`, () => {
  it.skipIf(missing('zsh'))('completes flags in a pseudo-terminal', async () => {
    const path = await script('zsh');
    // Types a line and a Tab into a pseudo-terminal of zsh.
    const code = `
      zmodload zsh/zpty
      zpty shell zsh -f -i
      zpty -w shell "PS1=; autoload -U compinit; compinit -u -d '${folder}/dump'"
      zpty -w shell "source '${path}'; print read''y"
      zpty -r shell output '*ready*'
      zpty -w -n shell $'rolesanywhere serve --socket-m\\t'
      zpty -r -m shell output '*--socket-mode*' && print completed
      zpty -d shell`;
    expect(run('zsh', '-f', '-c', code)).toContain('completed');
  });
});

describe('PowerShell', () => {
  it('has every command and its flags, in quotes', async () => {
    const { stdout } = await runMain(['completion', 'powershell']);
    for (const { name, flags } of LOADED_COMMANDS) {
      const shown = Object.values(flags).filter(({ refused }) => refused === undefined);
      expect(stdout).toContain(`'${name}' = @(${shown.map(({ flag }) => `'--${flag}'`).join(', ')})`);
    }
  });
});

describe(`the manual page${missing('man')}`, () => {
  it.skipIf(missing('man'))('is read by man without a warning, and has every command and flag', async () => {
    const path = await script('man');
    const { stdout, stderr, status } = spawnSync('man', ['--warnings', '-l', path], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '500', LC_ALL: 'C.UTF-8', MANROFFOPT: '' },
    });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    const text = stdout.replaceAll('‐', '-');
    for (const { name, flags } of LOADED_COMMANDS) {
      expect(text).toContain(`rolesanywhere ${name}`);
      for (const { flag, refused } of Object.values(flags))
        if (refused === undefined) expect(text).toContain(`--${flag}`);
    }
  });
});

describe('bad input', () => {
  it.each([
    [['completion'], 'missing bash|zsh|fish|powershell|man'],
    [['completion', 'tcsh'], 'completion is for bash, zsh, fish, powershell, man, found "tcsh"'],
    [['completion', 'bash', 'zsh'], 'unexpected argument "zsh"'],
  ])('%j', async (args, message) => {
    const { status, stdout, stderr } = await runMain(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});
