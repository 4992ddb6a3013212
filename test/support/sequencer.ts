import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * Files by how much of their time they wait: single ones that wait for many seconds, then kinds. What waits most begins
 * first.
 */
const ORDER = [
  'unit/http/limits.test.ts',
  'e2e/long-calls.test.ts',
  'conformance/',
  'e2e/',
  'integration/',
  'unit/',
];

/** Starts files that wait most before those that compute, so that no core idles at the end of the run. */
export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      ORDER.findIndex((path) => moduleId.includes(`/test/${path}`));
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
