import * as fc from '../../support/fast-check.ts';
import { expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { PublishedTool } from '../../../src/model/registry.ts';
import type { ToolParameter } from '../../../src/model/tool.ts';
import { officialTools, sharedNote } from '../../support/shared.ts';
import {
  english,
  officialProviders,
  parameter,
  registryOf,
  registryWith,
} from '../../support/declarations.ts';
import { broken, compiled } from '../../support/schema-rules.ts';

const TYPES = [
  'string',
  'number',
  'boolean',
  'checkbox',
  'select',
  'dynamic-select',
  'secret-input',
  'file',
  'files',
  'system-files',
  'array',
  'object',
  'any',
  'date',
  'date-range',
  'model-selector',
  'app-selector',
  'unheard-of',
];

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.constantFrom('a', 'b', '1', 'true', ''),
);
const scalar = fc.oneof(
  text,
  fc.integer({ min: -20, max: 20 }),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);

const foreignSchema = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 2 },
    json.filter(
      (value): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value),
    ),
    fc.record(
      {
        type: fc.oneof(
          fc.constantFrom('string', 'number', 'integer', 'boolean', 'array', 'object', 'null', 'STRING'),
          fc.constantFrom<string[]>(['string', 'null'], ['array', 'null'], ['string', 'number']),
        ),
        properties: fc.dictionary(text, tie('schema'), { maxKeys: 3 }),
        required: fc.array(text, { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
        patternProperties: fc.constant({ '^x-': { type: 'integer' } }),
        items: tie('schema'),
        enum: fc.array(scalar, { maxLength: 3 }),
        prefixItems: fc.array(tie('schema'), { maxLength: 1 }),
        anyOf: fc.array(tie('schema'), { maxLength: 2 }),
        oneOf: fc.array(tie('schema'), { maxLength: 2 }),
        allOf: fc.array(tie('schema'), { maxLength: 2 }),
        const: scalar,
        format: text,
        maxLength: fc.integer(),
        not: fc.constant({ const: 1 }),
        examples: fc.array(json, { maxLength: 2 }),
        minimum: fc.integer(),
        exclusiveMaximum: fc.double(),
        $ref: fc.constantFrom('#', '#/properties/a', '#/items', 'https://example.com'),
        default: json,
        description: text,
      },
      { requiredKeys: [] },
    ) as fc.Arbitrary<JsonObject>,
  ),
})).schema;

const anyParameter: fc.Arbitrary<ToolParameter> = fc
  .record(
    {
      name: fc.oneof(text, fc.constantFrom('constructor', '__proto__', 'then', 'x'.repeat(70))),
      type: fc.constantFrom(...TYPES),
      form: fc.constantFrom('llm', 'llm', 'form', 'schema'),
      required: fc.boolean(),
      default: fc.oneof<fc.MaybeWeightedArbitrary<Json>[]>(scalar, json),
      min: fc.integer({ min: -10, max: 10 }),
      max: fc.integer({ min: -10, max: 10 }),
      options: fc.array(
        text.map((value) => ({ value, label: english(`Label of ${value}`) })),
        { maxLength: 4 },
      ),
      multiple: fc.boolean(),
      llmDescription: fc.oneof(text, fc.string({ minLength: 1000, maxLength: 3000 })),
      inputSchema: foreignSchema,
    },
    { requiredKeys: ['name', 'type', 'form', 'required'] },
  )
  .map(({ name, ...more }) => parameter(name, more));

const anyTool = fc.record({
  parameters: fc.array(anyParameter, { maxLength: 5 }),
  formParameters: fc.constantFrom('preset' as const, 'publish' as const),
});

function published({ parameters, formParameters }: typeof anyTool extends fc.Arbitrary<infer T> ? T : never) {
  const registry = registryWith(parameters, { formParameters });
  for (const { reason } of registry.withheld) expect(reason).toBe('incomplete');
  return registry.tools[0];
}

test('whatever is declared, the published schema is one that everybody accepts', () => {
  fc.assert(
    fc.property(anyTool, (declared) => {
      const found = published(declared);
      if (found === undefined) return;
      expect(broken(found.inputSchema)).toEqual([]);
      compiled(found.inputSchema);
    }),
    { numRuns: fc.runs(300) },
  );
});

test('whatever is sent, there is an answer', () => {
  expect.hasAssertions();
  fc.assert(
    fc.property(anyTool, fc.anything(), fc.array(json), (declared, args, values) => {
      const found = published(declared);
      if (found === undefined) return;
      const keys = Object.keys(found.inputSchema['properties'] as object);
      const named = Object.fromEntries(keys.map((key, index) => [key, values[index] ?? null]));
      for (const sent of [args, named]) {
        const parsed = found.parseArguments(sent);
        const messages = parsed.ok ? ['fine'] : parsed.problems.map(({ message }) => message);
        expect(messages).not.toEqual([]);
        expect(messages.filter((message) => message === '' || message.length > 600)).toEqual([]);
      }
    }),
    { numRuns: fc.runs(300) },
  );
});

const FILES: readonly JsonObject[] = [
  { url: 'https://example.com/a.pdf' },
  { resource: 'dify-file://abc/a.pdf', mime_type: 'application/pdf' },
  { data: 'SGVsbG8=', filename: 'hello.txt' },
];

/** Values of a published schema: what a careful model sends. */
function valuesOf(schema: JsonObject): fc.Arbitrary<Json> {
  const choices = schema['enum'] as Json[] | undefined;
  if (choices !== undefined) return fc.constantFrom(...choices);
  const arms = schema['anyOf'] as JsonObject[] | undefined;
  if (arms !== undefined) return fc.oneof(...arms.map(valuesOf));
  if (Array.isArray(schema['type'])) {
    const types = schema['type'] as string[];
    return fc.oneof(...types.map((type) => valuesOf({ ...schema, type })));
  }
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  switch (schema['type']) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number': {
      const low = minimum ?? maximum ?? 0;
      const high = maximum ?? low;
      const whole = schema['type'] === 'integer';
      return whole
        ? fc.constantFrom(Math.ceil(low), Math.floor(high))
        : fc.constantFrom(low, high, Math.min(high, Math.max(low, low / 2 + high / 2)));
    }
    case 'string':
      return text;
    case 'array':
      return fc.array(valuesOf(schema['items'] as JsonObject), { maxLength: 3 });
    case 'object':
      return objectsOf(schema);
    default:
      return json;
  }
}

function objectsOf(schema: JsonObject): fc.Arbitrary<JsonObject> {
  const members = Object.entries((schema['properties'] ?? {}) as Record<string, JsonObject>);
  // Which of a file's members go together is said in words.
  if (members.some(([name]) => name === 'resource')) return fc.constantFrom(...FILES);
  const model = Object.fromEntries(members.map(([name, member]) => [name, valuesOf(member)]));
  const requiredKeys = (schema['required'] ?? []) as string[];
  return fc.record(model, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
}

/**
 * What a flat schema does not say of a file, a choice of numbers, members that an object does not have, and a bound
 * beyond 2^53.
 */
const IN_WORDS =
  /^expected (exactly one of|a web address|the file's bytes|(one of )?-?\d|[\w ]+ (of at (least|most)|from|to) -?(\d{16}|[\d.]+e\+))|^is required with data|^unknown argument/;

/** True for a parameter that takes more values than model providers let a schema say. */
function takesMore({ type, inputSchema }: ToolParameter): boolean {
  return (
    inputSchema !== undefined ||
    ['any', 'array', 'object', 'model-selector', 'app-selector', 'unheard-of'].includes(type)
  );
}

/** Where the validator and the parser disagree on arguments that need no coercion; empty when they do not. */
function disagreements(found: PublishedTool, args: JsonObject, mayTakeMore = false): unknown[] {
  const valid = compiled(found.inputSchema)(args);
  const parsed = found.parseArguments(args);
  if (valid && !parsed.ok && parsed.problems.every(({ message }) => IN_WORDS.test(message))) return [];
  if (valid)
    return parsed.ok ? [] : [{ refused: args, schema: found.inputSchema, problems: parsed.problems }];
  if (!parsed.ok || mayTakeMore) return [];
  // If it is accepted, something was coerced, and the result differs.
  const coerced = JSON.stringify(Object.values(parsed.parameters)) !== JSON.stringify(Object.values(args));
  return coerced ? [] : [{ taken: args, schema: found.inputSchema }];
}

function sample(found: PublishedTool, seed: number, numRuns: number): JsonObject[] {
  return fc.sample(objectsOf(found.inputSchema), { numRuns, seed });
}

test('what the published schema allows is what is taken', () => {
  const odd = fc.array(json, { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(anyTool, fc.nat(), odd, (declared, seed, values) => {
      const parameters = declared.parameters.filter(({ form }) => form === 'llm');
      const found = published({ ...declared, parameters });
      if (found === undefined) return;
      const careful = sample(found, seed, 1);
      const keys = Object.keys(found.inputSchema['properties'] as object);
      const careless = Object.fromEntries(keys.map((key, index) => [key, values[index] ?? null]));
      expect(careful.filter((args) => !compiled(found.inputSchema)(args))).toEqual([]);
      const mayTakeMore = parameters.some(takesMore);
      expect([...careful, careless].flatMap((args) => disagreements(found, args, mayTakeMore))).toEqual([]);
    }),
    { numRuns: fc.runs(300) },
  );
});

test(`what an official schema allows is taken${sharedNote}`, () => {
  const { tools } = registryOf(officialProviders(officialTools()), { formParameters: 'publish' });
  expect(tools.flatMap((found) => sample(found, 1, 3).flatMap((args) => disagreements(found, args)))).toEqual(
    [],
  );
});
