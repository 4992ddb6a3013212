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

/** The first code point of the surrogates, which are no characters, and how many there are. */
const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * A character of all Unicode, for strings: the same as `unit: 'binary'`, which takes a second to begin because it fills a
 * table of all characters.
 */
export const character = fc.nat({ max: 0x10ffff - SURROGATES.count }).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  (text) => {
    const point = typeof text === 'string' ? text.codePointAt(0) : undefined;
    if (point === undefined || text !== String.fromCodePoint(point)) throw new Error('This is no character.');
    return point < SURROGATES.first ? point : point - SURROGATES.count;
  },
);
