import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { areInstalled, PROGRAMS } from './test/support/programs.ts';
import { WaitingFirst } from './test/support/sequencer.ts';

// The time limits only end tests that hang. They allow for slow machines.
const patience = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } } };

export default defineConfig({
  test: {
    globalSetup: './test/support/temporary-folder.ts',
    include: ['test/{unit,integration,e2e,conformance}/**/*.test.ts'],
    // Loading the source again for every file would take longer than most files run.
    isolate: false,
    ...patience,
    // Workers share few cores and allocate much that is soon garbage: larger nurseries and no helper threads take less time.
    execArgv: ['--max-semi-space-size=32', '--v8-pool-size=1'],
    // Most files spend more time waiting than computing.
    maxWorkers: Math.max(4, 2 * availableParallelism()),
    sequence: { sequencer: WaitingFirst },
    tags: PROGRAMS.map((programs) => ({
      name: programs.tag,
      description: `Starts ${programs.package}.`,
      skip: !areInstalled(programs),
    })),
    reporters: ['default', './scripts/count-reporter.ts'],
  },
});
