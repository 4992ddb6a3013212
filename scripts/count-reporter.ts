import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { REDIS_TAG } from '../test/support/redis-tag.ts';

/**
 * Ends the run with the tests that were skipped because there is no Redis, and with one plain line that any CI system
 * can read. If `CI` is set, each of these tests counts as failed.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    const skipped: TestCase[] = [];
    for (const module of modules) {
      if (module.errors().length > 0) failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else if (test.options.mode === 'skip' && test.tags.includes(REDIS_TAG)) skipped.push(test);
      }
    }
    const isFailure = Boolean(process.env['CI']) && skipped.length > 0;
    if (isFailure) {
      failed += skipped.length;
      process.exitCode = 1;
    }
    process.stdout.write(`\n${describeSkipped(skipped, isFailure)}${passed} passed, ${failed} failed\n`);
  }
}

function describeSkipped(tests: readonly TestCase[], isFailure: boolean): string {
  if (tests.length === 0) return '';
  const count = tests.length === 1 ? '1 test' : `${tests.length} tests`;
  const consequence = isFailure ? ', which is a failure where CI is set' : '';
  const names = tests.map((test) => `  ${test.module.relativeModuleId} > ${test.fullName}\n`).join('');
  return (
    `Skipped ${count} because redis-server is not installed${consequence}:\n${names}` +
    'To run them, install redis-server (on Debian: apt-get install redis-server) and run npm test again.\n'
  );
}
