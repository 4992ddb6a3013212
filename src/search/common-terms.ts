import type { PublishedTool } from '../model/registry.ts';
import { indexTerms, isStopWord } from './terms.ts';
import { toolText } from './tool-texts.ts';

/** The fewest tools for which common terms matter. */
export const MANY_TOOLS = 200;

/** Returns a promise to await if other work has been delayed for too long, otherwise undefined. */
export type Pause = () => Promise<void> | undefined;

/**
 * Resolves with the terms in the prose of every tool of a large workspace, such as the name of the one service to which
 * all tools belong. Omits stop words. Resolves with no terms if there are fewer than 200 tools.
 */
export async function commonTerms(
  tools: readonly PublishedTool[],
  pause: Pause,
): Promise<ReadonlySet<string>> {
  if (tools.length < MANY_TOOLS) return new Set();
  let common: Set<string> | undefined;
  for (const tool of tools) {
    const terms = proseTerms(tool);
    common ??= new Set(Array.from(terms).filter((term) => !isStopWord(term)));
    for (const term of common) if (!terms.has(term)) common.delete(term);
    // With tools of many kinds, the set is empty soon.
    if (common.size === 0) break;
    const turn = pause();
    if (turn !== undefined) await turn;
  }
  return common ?? new Set();
}

/** Returns whether the prose of each tool has all the terms. */
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
