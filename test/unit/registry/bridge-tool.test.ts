import { describe, expect, expectTypeOf, it } from 'vitest';
import { defineBridgeTool, z } from '../../../src/registry/bridge-tool.ts';

const own = defineBridgeTool({
  name: 'paint',
  title: 'Paint',
  description: 'Paints a wall.',
  input: z.object({
    colour: z.enum(['red', 'green']).describe('Which.'),
    coats: z.number().int().min(1).max(3).default(2),
    note: z.string().optional(),
    dry: z.boolean().optional(),
    more: z.record(z.union([z.number(), z.record(z.unknown())])).optional(),
  }),
  annotations: { readOnlyHint: true },
});

function errorOf(args: unknown): unknown {
  try {
    return own.parse(args, 'Correct them.');
  } catch (error) {
    return error;
  }
}

describe('a tool of the bridge itself', () => {
  it('is published like the tools of Dify', () => {
    expect(own.tool).toEqual({
      name: 'paint',
      title: 'Paint',
      description: 'Paints a wall.',
      inputSchema: {
        type: 'object',
        properties: {
          colour: { type: 'string', enum: ['red', 'green'], description: 'Which.' },
          coats: { type: 'integer', minimum: 1, maximum: 3, default: 2 },
          note: { type: 'string' },
          dry: { type: 'boolean' },
          more: {
            type: 'object',
            additionalProperties: { anyOf: [{ type: 'number' }, { type: 'object' }] },
            description: 'Keys are free; each value is a number or an object.',
          },
        },
        required: ['colour'],
      },
      annotations: { readOnlyHint: true },
    });
    expect(Object.isFrozen(own.tool.inputSchema['properties'])).toBe(true);
  });

  it('coerces what is meant without doubt', () => {
    expect(own.parse({ colour: 'red', coats: '3', dry: 'yes', more: '{"a":{"b":[1]}}', note: null })).toEqual(
      {
        values: { colour: 'red', coats: 3, dry: true, more: { a: { b: [1] } } },
      },
    );
    expect(own.parse({ colour: 'red' })).toEqual({ values: { colour: 'red', coats: 2 } });
  });

  it('says what is wrong in the words of all tools', () => {
    expect(errorOf({ coats: 4, notes: 'x' })).toMatchObject({
      code: 'invalid_arguments',
      hint: 'Correct them.',
      problems: [
        { path: '/colour', message: 'is required: expected one of "red", "green"' },
        { path: '/coats', message: 'expected a whole number from 1 to 3, got 4' },
        { path: '/notes', message: 'unknown argument; did you mean "note"?' },
      ],
    });
    expect(errorOf([])).toMatchObject({ problems: [{ path: '' }] });
  });

  it('knows the types of checked arguments', () => {
    const parsed = own.parse({ colour: 'green' });
    expectTypeOf(parsed.values.colour).toEqualTypeOf<'red' | 'green'>();
    expectTypeOf(parsed.values.coats).toEqualTypeOf<number>();
    expectTypeOf(parsed.values.note).toEqualTypeOf<string | undefined>();
    expectTypeOf(parsed.values.dry).toEqualTypeOf<boolean | undefined>();
    expectTypeOf(parsed.values.more).toExtend<Readonly<Record<string, unknown>> | undefined>();
    expect(parsed.values.colour).toBe('green');
  });
});
