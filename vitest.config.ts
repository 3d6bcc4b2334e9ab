import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    setupFiles: ['test/no-network.js'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Each test file gets its own process, so that one file's environment cannot reach another's.
    pool: 'forks',
    // On two cores vitest's own choice is one process, and many tests only wait for a program.
    maxWorkers: '100%',
  },
});
