import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/** Kinds of tests by how much of their time they wait; what waits most begins first. */
const ORDER = ['conformance', 'e2e', 'integration', 'unit'];

/** Starts files that wait most before those that compute, so that no core idles at the end of the run. */
export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      ORDER.findIndex((kind) => moduleId.includes(`/test/${kind}/`));
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
