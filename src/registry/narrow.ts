import type { Json } from '../model/json.ts';
import { fitted } from './argument-schema.ts';
import type { Narrowing } from './rules.ts';
import type { Shape } from './shape.ts';

/** What is left of a shape, and what of the narrowing does not fit it. */
export interface Narrowed {
  readonly shape: Shape;
  readonly faults: readonly string[];
  /** True when a range or choices could not be kept to at all, so that more is left than was meant. */
  readonly isLost: boolean;
}

/**
 * A shape with only a part of its values. Never wider than it was: what does not fit is left out and named. Of
 * a list, its items are narrowed.
 */
export function narrow(shape: Shape, by: Narrowing): Narrowed {
  if (shape.kind === 'array' && !['array', 'object', 'file', 'any'].includes(shape.items.shape.kind)) {
    const items = narrow(shape.items.shape, by);
    return { ...items, shape: { kind: 'array', items: { ...shape.items, shape: items.shape } } };
  }
  const bounded = narrowRange(shape, by);
  const chosen = narrowChoices(bounded.shape, by.enum);
  // Choices that are kept are all that is left, whatever the range was meant for.
  const isChosen = by.enum !== undefined && !chosen.isLost && !isNumeric(shape);
  return {
    shape: chosen.shape,
    faults: [...bounded.faults, ...chosen.faults],
    isLost: chosen.isLost || (bounded.isLost && !isChosen),
  };
}

function narrowRange(shape: Shape, { minimum, maximum }: Narrowing): Narrowed {
  if (minimum === undefined && maximum === undefined) return { shape, faults: [], isLost: false };
  if (shape.kind === 'number-choice') {
    const values = shape.values.filter(
      (value) => (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum),
    );
    if (values.length > 0) return { shape: { kind: 'number-choice', values }, faults: [], isLost: false };
    return lost(shape, 'minimum and maximum leave no value');
  }
  if (!isNumeric(shape)) return lost(shape, 'minimum and maximum are for numbers');
  const faults: string[] = [];
  if (minimum !== undefined && shape.min !== undefined && minimum < shape.min) {
    faults.push(`a minimum of ${minimum} is below the declared one of ${shape.min}`);
  }
  if (maximum !== undefined && shape.max !== undefined && maximum > shape.max) {
    faults.push(`a maximum of ${maximum} is above the declared one of ${shape.max}`);
  }
  const min = largest(minimum, shape.min);
  const max = smallest(maximum, shape.max);
  if (min !== undefined && max !== undefined && min > max) {
    return lost(shape, `no number is at least ${min} and at most ${max}`);
  }
  const { integer } = shape;
  return {
    shape: { kind: 'number', integer, ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    faults,
    isLost: false,
  };
}

function isNumeric(shape: Shape): shape is Extract<Shape, { kind: 'number' | 'number-choice' }> {
  return shape.kind === 'number' || shape.kind === 'number-choice';
}

function lost(shape: Shape, ...faults: readonly string[]): Narrowed {
  return { shape, faults, isLost: true };
}

function narrowChoices(shape: Shape, choices: readonly Json[] | undefined): Narrowed {
  if (choices === undefined) return { shape, faults: [], isLost: false };
  const textual = shape.kind === 'string' || shape.kind === 'choice';
  if (!textual && !isNumeric(shape)) {
    return lost(shape, `enum is for texts and numbers, not for a value of the kind ${shape.kind}`);
  }
  const taken = new Set<Json>();
  const faults: string[] = [];
  for (const choice of choices) {
    const value = fitted({ shape }, choice);
    // Model providers refuse the empty text in an enum.
    if (value === undefined || value === '') faults.push(`${JSON.stringify(choice)} is none of its values`);
    else taken.add(value);
  }
  if (taken.size === 0) return lost(shape, ...faults);
  const isLost = false;
  if (textual) return { shape: { kind: 'choice', values: [...taken] as string[] }, faults, isLost };
  return { shape: { kind: 'number-choice', values: [...taken] as number[] }, faults, isLost };
}

function largest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function smallest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
