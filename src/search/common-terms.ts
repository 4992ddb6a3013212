import type { PublishedTool } from '../model/registry.ts';
import { indexTerms } from './terms.ts';
import { toolText } from './tool-texts.ts';

/** Among fewer tools a common word costs nothing, and a share of them says little. */
const MIN_TOOLS = 200;
/** So many tools, evenly taken from all, stand for the rest. */
const SAMPLE = 400;
/** The share of the tools in whose prose a word stands that tells none from another. */
const SHARE = 0.8;

/**
 * The terms that stand in nearly every description of a large workspace, such as the name of the one service that all
 * tools use. `pause` is awaited between tools.
 */
export async function commonTerms(
  tools: readonly PublishedTool[],
  pause: () => Promise<void> | undefined,
): Promise<ReadonlySet<string>> {
  if (tools.length < MIN_TOOLS) return new Set();
  const step = Math.ceil(tools.length / SAMPLE);
  const counts = new Map<string, number>();
  let looked = 0;
  for (let place = 0; place < tools.length; place += step) {
    const tool = tools[place];
    if (tool === undefined) break;
    looked += 1;
    const prose = `${tool.description}\n${toolText(tool, 'parameters')}`;
    for (const term of new Set(indexTerms(prose))) {
      counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    const turn = pause();
    if (turn !== undefined) await turn;
  }
  return new Set([...counts].filter(([, count]) => count >= looked * SHARE).map(([term]) => term));
}
