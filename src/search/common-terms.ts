import type { PublishedTool } from '../model/registry.ts';
import { indexTerms, tellsNothing } from './terms.ts';
import { toolText } from './tool-texts.ts';

/** Among fewer tools a common word costs nothing. */
export const MANY_TOOLS = 200;

/** Undefined as long as other work has not been held up for long; otherwise to be awaited. */
export type Pause = () => Promise<void> | undefined;

/**
 * The terms in the prose of every tool of a large workspace, such as the name of the one service that all
 * belong to; none where there are fewer than 200 tools, and none that tell nothing anywhere.
 */
export async function commonTerms(
  tools: readonly PublishedTool[],
  pause: Pause,
): Promise<ReadonlySet<string>> {
  if (tools.length < MANY_TOOLS) return new Set();
  let common: Set<string> | undefined;
  for (const tool of tools) {
    const terms = proseTerms(tool);
    common ??= new Set(Array.from(terms).filter((term) => !tellsNothing(term)));
    for (const term of common) if (!terms.has(term)) common.delete(term);
    // Where tools are of many kinds this is soon.
    if (common.size === 0) break;
    const turn = pause();
    if (turn !== undefined) await turn;
  }
  return common ?? new Set();
}

/** True when the prose of each tool has all the terms. */
export async function haveAll(
  tools: readonly PublishedTool[],
  terms: ReadonlySet<string>,
  pause: Pause,
): Promise<boolean> {
  if (terms.size === 0) return true;
  for (const tool of tools) {
    const known = proseTerms(tool);
    for (const term of terms) if (!known.has(term)) return false;
    const turn = pause();
    if (turn !== undefined) await turn;
  }
  return true;
}

function proseTerms(tool: PublishedTool): Set<string> {
  return new Set(indexTerms(`${toolText(tool, 'description')}\n${toolText(tool, 'parameters')}`));
}
