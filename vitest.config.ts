import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/no-network.cjs'],
    // Some tests run AWS's own programs a dozen times, and machines can be busy.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Each test file gets its own process, so that one file's environment cannot reach another's.
    pool: 'forks',
    // On two cores vitest would choose one process, and many tests only wait for a child process.
    maxWorkers: '100%',
    // `npm run coverage`: what runs in this process. Child processes are not counted.
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'html', 'lcov'] },
  },
});
