import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: './test/support/temporary-folder.ts',
    include: ['scripts/interop/*.test.ts'],
    testTimeout: 300_000,
  },
});
