import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** What a test file changes for its whole process: modules, globals, environment, listeners, folder, user. */
const CHANGES_ITS_PROCESS =
  /\bvi\.|globalThis|delete process|process\.(?:env\[[^\]]*\] *(?:\?\?)?=[^=]|on\(|umask|chdir|seteuid)/;

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/${file.replaceAll('\\', '/')}`);
/** Their sources remember refused PINs and notices for the life of the process. */
const REMEMBERS = /^test\/identity\/(?:pkcs11|tpm)\//;
const alone = files.filter(
  (file) => REMEMBERS.test(file) || CHANGES_ITS_PROCESS.test(readFileSync(file, 'utf8')),
);
const shared = files.filter((file) => !alone.includes(file));

const common = {
  setupFiles: 'test/no-network.cjs',
  // Some tests run AWS's own programs a dozen times, and machines can be busy.
  testTimeout: 120_000,
  hookTimeout: 180_000,
  pool: 'forks',
} as const;

export default defineConfig({
  test: {
    // For the whole run: a project that inherited it would run it again.
    globalSetup: ['test/global-setup.ts'],
    // One more than cores: many tests only wait, for a child process or for the end of a time.
    maxWorkers: availableParallelism() + 1,
    projects: [
      // A file that changes its process has one of its own, so that the change cannot reach another file.
      { test: { ...common, name: 'alone', include: alone } },
      // To start a process and to load the sources takes longer than most of these files.
      { test: { ...common, name: 'shared', include: shared, isolate: false } },
    ],
    // `npm run coverage`: what runs in this process. Child processes are not counted.
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html', 'lcov'] },
  },
});
