import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { cleanEnvironment, ROOT } from '../support/program.ts';
import { sharedIsPresent } from '../support/shared.ts';

type Cost = Readonly<Record<'bytes' | 'tokens', number>>;
type Costs = Readonly<Partial<Record<'list' | 'official' | 'workspace' | 'results', Cost>>>;

const SCRIPT = join(ROOT, 'scripts/bench/model-cost.mjs');
const GOALS = JSON.parse(readFileSync(join(ROOT, 'scripts/bench/model-cost.json'), 'utf8')) as Costs;
const absent = sharedIsPresent ? '' : ' [official declarations and recordings absent: not measured]';

// If it falls, lower the figure in model-cost.json, so that it stays low.
it(`what a model reads costs no more than before${absent}`, async () => {
  const env = cleanEnvironment();
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT], { env });
  const costs = JSON.parse(stdout) as Costs;
  const measured = sharedIsPresent ? ['list', 'official', 'workspace', 'results'] : ['list', 'results'];
  for (const part of measured as (keyof Costs)[]) {
    for (const unit of ['bytes', 'tokens'] as const) {
      const [cost, goal] = [costs[part]?.[unit], GOALS[part]?.[unit]];
      expect(cost, `${unit} of ${part}`).toBeLessThanOrEqual(goal ?? 0);
    }
  }
});
