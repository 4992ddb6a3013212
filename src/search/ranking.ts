import type { SearchResult } from 'minisearch';
import type { Query } from './query.ts';
import { EVERY_TOOL } from './word-index.ts';

/** A result that lacks some of the words that another tool has needs this share of them. */
const MIN_SHARE = 0.4;
/** Such a result also needs this share of the best one's score. */
const MIN_SCORE = 0.08;
/** How much better a result is whose tool does all that the query asks for. */
const ACTION = 1.4;

/**
 * Returns the names of results, the best first, without those that match far less. The fewer results have a word, the
 * more it counts. If no tool has any word but those that every tool has, tools that have them in their name come first,
 * then the others in alphabetical order.
 */
export function ranked(
  results: readonly SearchResult[],
  { terms, words, actions }: Query,
  all: ReadonlyMap<string, { readonly actions: number }>,
): string[] {
  const wordsOf = ({ queryTerms }: SearchResult): number =>
    queryTerms.reduce((bits, term) => bits | (terms.get(term)?.words ?? 0), 0);
  // Thousands of results have few combinations of words.
  const counts = new Map<number, number>();
  let everywhere = 0;
  for (const result of results) {
    const met = wordsOf(result);
    if (result.id === EVERY_TOOL) everywhere = met;
    else counts.set(met, (counts.get(met) ?? 0) + 1);
  }
  const rarity = words.map((weight, word) => {
    let count = 0;
    for (const [met, times] of counts) if ((((met | everywhere) >> word) & 1) === 1) count += times;
    return weight * Math.log(1 + all.size / Math.max(1, count));
  });
  const combinations = new Map(
    Array.from(counts.keys(), (met) => [
      met,
      { rare: sumOf(met | everywhere, rarity), share: sumOf(met | everywhere, words) },
    ]),
  );
  const most = Math.max(sumOf(everywhere, words), ...Array.from(combinations.values(), ({ share }) => share));
  const rated: { readonly id: string; readonly rate: number; readonly share: number }[] = [];
  let best = 0;
  for (const result of results) {
    const combination = combinations.get(wordsOf(result));
    if (result.id === EVERY_TOOL || combination === undefined) continue;
    const share = combination.share / most;
    if (share < MIN_SHARE) continue;
    const id = result.id as string;
    const rate = result.score * combination.rare * (1 + ACTION * shareOf(actions, all.get(id)?.actions ?? 0));
    best = Math.max(best, rate);
    rated.push({ id, rate, share });
  }
  const kept = rated.filter(({ rate, share }) => share === 1 || rate >= best * MIN_SCORE);
  kept.sort((a, b) => b.rate - a.rate || (a.id < b.id ? -1 : 1));
  const names = kept.map(({ id }) => id);
  if (everywhere === 0 || Array.from(counts.keys()).some((met) => (met | everywhere) !== everywhere))
    return names;
  return Array.from(new Set(names.concat(Array.from(all.keys()).sort())));
}

function shareOf(actions: readonly number[], does: number): number {
  if (does === 0 || actions.length === 0) return 0;
  return actions.reduce((sum, bits) => sum + ((bits & does) === 0 ? 0 : 1), 0) / actions.length;
}

function sumOf(bits: number, weights: readonly number[]): number {
  return weights.reduce((sum, weight, word) => sum + ((bits >> word) & 1) * weight, 0);
}
