import type { Json } from '../model/json.ts';
import { fitted } from './argument-schema.ts';
import type { Narrowing } from './rules.ts';
import type { Shape } from './shape.ts';

/** What is left of a shape, and what of the narrowing does not fit it. */
export interface Narrowed {
  readonly shape: Shape;
  readonly faults: readonly string[];
}

/**
 * A shape with only a part of its values. Never wider than it was: what does not fit is left out and named. Of
 * a list, its items are narrowed.
 */
export function narrow(shape: Shape, by: Narrowing): Narrowed {
  if (shape.kind === 'array' && !['array', 'object', 'file', 'any'].includes(shape.items.shape.kind)) {
    const items = narrow(shape.items.shape, by);
    return { shape: { kind: 'array', items: { ...shape.items, shape: items.shape } }, faults: items.faults };
  }
  const bounded = narrowRange(shape, by);
  const chosen = narrowChoices(bounded.shape, by.enum);
  return { shape: chosen.shape, faults: [...bounded.faults, ...chosen.faults] };
}

function narrowRange(shape: Shape, { minimum, maximum }: Narrowing): Narrowed {
  if (minimum === undefined && maximum === undefined) return { shape, faults: [] };
  if (shape.kind === 'number-choice') {
    const values = shape.values.filter(
      (value) => (minimum === undefined || value >= minimum) && (maximum === undefined || value <= maximum),
    );
    if (values.length > 0) return { shape: { kind: 'number-choice', values }, faults: [] };
    return { shape, faults: ['minimum and maximum leave no value'] };
  }
  if (shape.kind !== 'number') return { shape, faults: ['minimum and maximum are for numbers'] };
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
    return { shape, faults: [`no number is at least ${min} and at most ${max}`] };
  }
  const { integer } = shape;
  return {
    shape: { kind: 'number', integer, ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    faults,
  };
}

function narrowChoices(shape: Shape, choices: readonly Json[] | undefined): Narrowed {
  if (choices === undefined) return { shape, faults: [] };
  const textual = shape.kind === 'string' || shape.kind === 'choice';
  if (!textual && shape.kind !== 'number' && shape.kind !== 'number-choice') {
    return { shape, faults: [`enum is for texts and numbers, not for a value of the kind ${shape.kind}`] };
  }
  const taken = new Set<Json>();
  const faults: string[] = [];
  for (const choice of choices) {
    const value = fitted({ shape }, choice);
    // Model providers refuse the empty text in an enum.
    if (value === undefined || value === '') faults.push(`${JSON.stringify(choice)} is none of its values`);
    else taken.add(value);
  }
  if (taken.size === 0) return { shape, faults };
  if (textual) return { shape: { kind: 'choice', values: [...taken] as string[] }, faults };
  return { shape: { kind: 'number-choice', values: [...taken] as number[] }, faults };
}

function largest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

function smallest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}
