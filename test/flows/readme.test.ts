/**
 * The documentation is true: its tables are those of the source, its links lead somewhere, and its blocks run
 * in the order of the page.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatCommandHelp } from '../../src/cli/help.js';
import type { Flag } from '../../src/cli/options/flags.js';
import { ALL_SESSION_FLAGS } from '../../src/cli/options/session-flags.js';
import { SESSION_OPTIONS } from '../../src/session/session-options.js';
import { LOADED_COMMANDS } from '../commands.js';
import { ROOT } from './machine.js';
import type { Page } from './pages.js';
import { brokenLinks, isRun, readPage, readPages, runPage } from './pages.js';

const PAGES = readPages();

/** The option table, as examples/options.md shows it. */
function formatOptions(): string {
  const flags = Object.entries<Flag>(ALL_SESSION_FLAGS).filter(
    ([name]) => name in SESSION_OPTIONS || name === 'noVerifySsl',
  );
  const rows = flags.map(([name, row]) => {
    const property = name === 'noVerifySsl' ? 'verifyTls: false' : name;
    const value = row.placeholder === undefined ? '' : ` ${row.placeholder}`;
    const notes = [
      row.required === true ? 'required' : '',
      row.default === undefined || row.default === false ? '' : `default ${row.default}`,
      ...(row.env ?? []).map((variable) => `\`${variable}\``),
    ].filter(Boolean);
    return `| \`--${row.flag}${value}\` | \`${property}\` | ${row.help} | ${notes.join('; ')} |`;
  });
  return ['| flag | property | | default, environment |', '|---|---|---|---|', ...rows].join('\n');
}

describe('tables', () => {
  it('of options are the option table', () => {
    const { text } = readPage('examples/options.md');
    const shown = /<!-- options -->\n\n?([\s\S]*?)\n\n?<!-- \/options -->/.exec(text)?.[1];
    expect(shown).toBe(formatOptions());
  });

  it.each(LOADED_COMMANDS.map((command) => [command.name, command] as const))(
    'of %s --help have its flags',
    (_name, { entry, command, flags }) => {
      const format = { program: 'rolesanywhere', width: 10_000, bold: String } as const;
      const brief = formatCommandHelp(entry, command, { ...format, showsAll: false });
      const all = formatCommandHelp(entry, command, { ...format, showsAll: true });
      for (const { flag, help, refused } of Object.values(flags)) {
        expect(brief.includes(`  --${flag}`)).toBe(refused === undefined);
        expect(all).toContain(`  --${flag}`);
        expect(all).toContain(help);
      }
      // Commands that read the environment say so, and no others.
      expect(all.includes('Each flag can also be given in the environment')).toBe(
        Object.keys(flags).length > 1,
      );
    },
  );

  it('of errors and warnings have every code below its class, with cause and fix', () => {
    const source = readFileSync(join(ROOT, 'src', 'errors.ts'), 'utf8');
    const types = [...source.matchAll(/export type (\w+)Code =([^;]*);/g)];
    const codes = types.flatMap(([, type, text = '']) =>
      [...text.matchAll(/'(ERR_\w+)'/g)].map(([, code]) => `${type} ${code}`),
    );
    const sections = readPage('examples/errors.md').text.split(/^## /m).slice(1);
    const findings = readFileSync(join(ROOT, 'src', 'identity', 'finding.ts'), 'utf8');
    codes.push(...[...findings.matchAll(/^ {2}\| '(WARN_\w+)'/gm)].map(([, code]) => `Warnings ${code}`));
    const shown = sections.flatMap((section) => {
      const rows = [...section.matchAll(/^\| `((?:ERR|WARN)_\w+)` \| [^|]+ \| [^|]+ \|$/gm)];
      return rows.map(([, code]) => `${section.split('\n')[0]} ${code}`);
    });
    expect(codes.length).toBeGreaterThan(40);
    expect(shown).toEqual(codes);
  });

  it('of exit statuses are those of the classes', () => {
    const source = readFileSync(join(ROOT, 'src', 'cli', 'terminal', 'report.ts'), 'utf8');
    const classes = [...source.matchAll(/^ {2}(\w+Error): (\d),$/gm)];
    const { text } = readPage('examples/errors.md');
    const shown = [...text.matchAll(/^\| `(\w+Error)` \| (\d) \|/gm)];
    expect(classes).toHaveLength(5);
    expect(shown.map(([, name, status]) => [name, status])).toEqual(
      classes.map(([, name, status]) => [name, status]),
    );
  });
});

describe('the CHANGELOG', () => {
  const { text } = readPage('CHANGELOG.md');

  it('has one line per entry, below four categories', () => {
    const section = text.split(/^## /m)[1] ?? '';
    const categories = [...section.matchAll(/^### (.*)$/gm)].map(([, name]) => name);
    expect(categories).toEqual(['Added', 'Changed', 'Fixed', 'Security']);
    const lines = section.split('\n').slice(1);
    expect(lines.filter((line) => line !== '' && !/^(###|-) \S/.test(line))).toEqual([]);
    // Merging by union may add a line twice.
    const entries = lines.filter((line) => line.startsWith('- '));
    expect(entries.filter((line, index) => entries.indexOf(line) !== index)).toEqual([]);
  });
});

describe('the README', () => {
  const readme = readPage('README.md');

  it('can be read in ten minutes: at most 10 kB', () => {
    expect(Buffer.byteLength(readme.text)).toBeLessThanOrEqual(10_000);
  });

  it('leads to every page', () => {
    const links = new Set([...readme.text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => link));
    expect(PAGES.map(({ path }) => path).filter((path) => path !== 'README.md' && !links.has(path))).toEqual(
      [],
    );
  });
});

/** The expected output of a block, by its content. */
const EXPECTED: ReadonlyArray<readonly [RegExp, string]> = [
  [/get-caller-identity|GetCallerIdentity|whoami\.py|assumedRole/, ':assumed-role/'],
  [/^rolesanywhere credential-process/m, '"SecretAccessKey"'],
  [/curl .*\/role\//, '"SecretAccessKey"'],
  [/^aws s3 ls/m, ' a-bucket'],
];

const TOOLS = ['aws', 'openssl', 'curl', 'python3'].filter(
  (tool) => spawnSync('which', [tool], { stdio: 'ignore' }).status !== 0,
);

/** Names the programs that a page runs and this machine lacks. */
function missingTools(page: Page): string {
  const text = page.blocks
    .filter(isRun)
    .map((block) => block.text)
    .join('');
  const missing = TOOLS.filter((tool) => new RegExp(`(^|[|(] ?)${tool} `, 'm').test(text));
  return missing.length === 0 ? '' : ` (left out: ${missing.join(', ')} not installed)`;
}

describe.each(PAGES.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  it('has no broken link', () => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it('has no unchecked block', () => {
    const checked = ['file', 'background', 'needs', 'administrator', 'same', 'not run'];
    for (const block of page.blocks) {
      expect(['', ...checked], block.place).toContain(block.directive);
      if (block.directive === 'same') {
        expect(readFileSync(join(ROOT, block.argument), 'utf8'), block.place).toContain(block.text);
      }
      if (block.directive === '')
        expect(['sh', 'js', 'text', 'crontab'], block.place).toContain(block.language);
      if (block.directive === 'not run') expect(block.argument, block.place).not.toBe('');
    }
  });

  if (!page.blocks.some(isRun)) return;
  const missing = missingTools(page);
  it.skipIf(missing !== '')(`has blocks that run in order${missing}`, async () => {
    for (const { block, printed } of await runPage(page)) {
      for (const [pattern, text] of EXPECTED) {
        if (pattern.test(block.text)) expect(printed, block.place).toContain(text);
      }
    }
  });
});
