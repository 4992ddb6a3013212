import * as fc from 'fast-check';

/**
 * The same cases in every run, so that a commit is not refused for a fault that another one brought. New ones:
 * `npm run fuzz`, which takes a seed of its own and prints it when a property fails.
 */
const seed =
  process.env['FUZZ_SEED'] === 'random' ? undefined : Number(process.env['FUZZ_SEED'] ?? 20_261_123);

fc.configureGlobal(seed === undefined ? {} : { seed });

export * from 'fast-check';

/**
 * Returns how many cases to try of a property that takes `all` to explore: a tenth of them in an ordinary run, which
 * repeats the same cases, and all in `npm run fuzz`.
 */
export const runs = (all: number): number => (seed === undefined ? all : Math.ceil(all / 10));
