import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/no-network.js'],
    // Some run AWS's own programs a dozen times, and machines can be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each test file gets its own process, so that one file's environment cannot reach another's.
    pool: 'forks',
    // On two cores vitest's own choice is one process, and many tests only wait for a program.
    maxWorkers: '100%',
  },
});
