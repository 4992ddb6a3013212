import { writeJson } from '../model/well-formed.ts';
import type { Json, JsonNumber } from '../model/json.ts';
import { fitted } from './check.ts';
import type { Narrowing } from './rules.ts';
import type { Shape } from './shape.ts';

/** A part of a narrowing that does not fit a shape. */
export interface NarrowProblem {
  readonly message: string;
  readonly keys: readonly (keyof Narrowing)[];
  /** Whether the restriction could not be applied at all, so that the shape accepts more than intended. */
  readonly isLost: boolean;
}

/** The narrowed shape, and the parts of the narrowing that do not fit. */
interface Narrowed {
  readonly shape: Shape;
  readonly problems: readonly NarrowProblem[];
}

const RANGE = ['minimum', 'maximum'] as const;

/** Returns a shape with a part of its values, never wider than before; of a list, the items are narrowed. */
export function narrow(shape: Shape, by: Narrowing): Narrowed {
  if (shape.kind === 'array' && !['array', 'object', 'file', 'any'].includes(shape.items.shape.kind)) {
    const narrowed = narrow(shape.items.shape, by);
    // Null is neither among the choices nor in the range.
    const nullable = shape.items.nullable === true && !restricts(by);
    const items = { ...shape.items, shape: narrowed.shape, nullable };
    return { ...narrowed, shape: { kind: 'array', items } };
  }
  const bounded = narrowRange(shape, by);
  const chosen = narrowChoices(bounded.shape, by.enum);
  // If choices remain, they alone are accepted, and the range does not apply.
  const isChosen =
    by.enum !== undefined && !chosen.problems.some(({ isLost }) => isLost) && !isNumeric(shape);
  const ofRange = isChosen
    ? bounded.problems.map((problem) => ({ ...problem, isLost: false }))
    : bounded.problems;
  return { shape: chosen.shape, problems: [...ofRange, ...chosen.problems] };
}

/** Returns whether a narrowing removes values, rather than only changing the description. */
export function restricts(by: Narrowing | undefined): boolean {
  return (by?.enum ?? by?.minimum ?? by?.maximum) !== undefined;
}

function narrowRange(shape: Shape, { minimum, maximum }: Narrowing): Narrowed {
  if (minimum === undefined && maximum === undefined) return { shape, problems: [] };
  const lost = (message: string, keys: NarrowProblem['keys'] = RANGE): Narrowed => ({
    shape,
    problems: [{ message, keys, isLost: true }],
  });
  if (shape.kind === 'number-choice') {
    const values = shape.values.filter(
      (value) => (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum),
    );
    if (values.length > 0) return { shape: { kind: 'number-choice', values }, problems: [] };
    return lost('minimum and maximum leave no value');
  }
  if (!isNumeric(shape)) return lost('minimum and maximum are for numbers');
  const problems: NarrowProblem[] = [];
  if (minimum !== undefined && shape.min !== undefined && minimum < shape.min) {
    const message = `a minimum of ${minimum} is below the declared one of ${shape.min}`;
    problems.push({ message, keys: ['minimum'], isLost: false });
  }
  if (maximum !== undefined && shape.max !== undefined && maximum > shape.max) {
    const message = `a maximum of ${maximum} is above the declared one of ${shape.max}`;
    problems.push({ message, keys: ['maximum'], isLost: false });
  }
  const min = both(minimum, shape.min, (a, b) => (a > b ? a : b));
  const max = both(maximum, shape.max, (a, b) => (a < b ? a : b));
  if (min !== undefined && max !== undefined && min > max) {
    const keys = RANGE.filter((key) => (key === 'minimum' ? minimum === min : maximum === max));
    return lost(`no number is at least ${min} and at most ${max}`, keys);
  }
  return { shape: { kind: 'number', integer: shape.integer, min, max }, problems };
}

function narrowChoices(shape: Shape, choices: readonly Json[] | undefined): Narrowed {
  if (choices === undefined) return { shape, problems: [] };
  const about = { keys: ['enum'], isLost: true } as const;
  const textual = shape.kind === 'string' || shape.kind === 'choice';
  if (!textual && !isNumeric(shape)) {
    const message = `enum is for texts and numbers, not for a value of the kind ${shape.kind}`;
    return { shape, problems: [{ message, ...about }] };
  }
  const taken = new Set<Json>();
  const refused: string[] = [];
  for (const choice of choices) {
    const value = fitted({ shape }, choice);
    // Model providers refuse an empty text in an enum.
    if (value === undefined || value === '') refused.push(`${writeJson(choice)} is none of its values`);
    else taken.add(value);
  }
  const isLost = taken.size === 0;
  const problems = refused.map((message) => ({ message, ...about, isLost }));
  if (isLost) return { shape, problems };
  if (textual) return { shape: { kind: 'choice', values: [...taken] as string[] }, problems };
  return { shape: { kind: 'number-choice', values: [...taken] as JsonNumber[] }, problems };
}

function isNumeric(shape: Shape): shape is Extract<Shape, { kind: 'number' | 'number-choice' }> {
  return shape.kind === 'number' || shape.kind === 'number-choice';
}

function both(
  a: JsonNumber | undefined,
  b: JsonNumber | undefined,
  choose: (a: JsonNumber, b: JsonNumber) => JsonNumber,
): JsonNumber | undefined {
  return a === undefined || b === undefined ? (a ?? b) : choose(a, b);
}
