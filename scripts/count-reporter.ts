import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { areInstalled, PROGRAMS } from '../test/support/programs.ts';

/** A test may need several; only those that are missing are named. */
const MISSING = PROGRAMS.filter((programs) => !areInstalled(programs));

/**
 * Ends the run with the tests that were skipped because a program is missing, and with one plain line that any CI system
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
        else if (test.options.mode === 'skip' && MISSING.some(({ tag }) => test.tags.includes(tag)))
          skipped.push(test);
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

function describeSkipped(skipped: readonly TestCase[], isFailure: boolean): string {
  const consequence = isFailure ? ', which is a failure where CI is set' : '';
  return MISSING.map(({ tag, package: name }) => {
    const tests = skipped.filter((test) => test.tags.includes(tag));
    if (tests.length === 0) return '';
    const count = tests.length === 1 ? '1 test' : `${tests.length} tests`;
    const names = tests.map((test) => `  ${test.module.relativeModuleId} > ${test.fullName}\n`).join('');
    return (
      `Skipped ${count} because ${name} is not installed${consequence}:\n${names}` +
      `To run them, install ${name} (on Debian: apt-get install ${name}) and run npm test again.\n`
    );
  }).join('');
}
