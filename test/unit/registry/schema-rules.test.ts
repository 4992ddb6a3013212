import { expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { broken } from '../../support/schema-rules.ts';

const root = (member: JsonObject): JsonObject => ({
  type: 'object',
  properties: { a: member },
});

test('the check of published schemas takes one that is right', () => {
  expect(broken(root({ type: 'array', items: { anyOf: [{ type: 'number' }, { type: 'string' }] } }))).toEqual(
    [],
  );
});

test.each<[string, JsonObject]>([
  ['a closed root', { ...root({ type: 'string' }), additionalProperties: false }],
  ['a closed member', root({ type: 'object', properties: {}, additionalProperties: false })],
  [
    'a member that is open by a boolean',
    root({ type: 'object', properties: {}, additionalProperties: true }),
  ],
  ['a member without a type', root({ description: 'Any.' })],
  ['a list of types', root({ type: ['string', 'null'] })],
  ['an array of anything', root({ type: 'array', items: {} })],
  ['an alternative without a type', root({ anyOf: [{ type: 'string' }, {}] })],
  ['a choice at the root', { ...root({ type: 'string' }), anyOf: [{ type: 'object' }] }],
  ['an array without items', root({ type: 'array' })],
  ['repeated choices', root({ type: 'string', enum: ['a', 'a'] })],
  ['choices of two types', root({ type: 'string', enum: ['a', 1] })],
  ['choices of numbers', root({ type: 'number', enum: [1, 2] })],
  ['a default outside the choices', root({ type: 'string', enum: ['a'], default: 'b' })],
  ['an exclusive bound', root({ type: 'number', exclusiveMinimum: 1 })],
  ['a long description', root({ type: 'string', description: 'x'.repeat(1025) })],
  ['null as a type', root({ type: 'null' })],
  ['null as an alternative', root({ anyOf: [{ type: 'string' }, { type: 'null' }] })],
  ['a single alternative', root({ anyOf: [{ type: 'string' }] })],
  ['a type in capitals', root({ type: 'STRING' })],
  ['a choice of booleans', root({ type: 'boolean', enum: [true] })],
  ['a constant', root({ type: 'boolean', const: true })],
  ['empty properties below the root', root({ type: 'object', properties: {} })],
  ['a bound of an integer that is none', root({ type: 'integer', maximum: 1.5 })],
  ['a bound of an integer that is not exact', root({ type: 'integer', maximum: 1e20 })],
  ['a format', root({ type: 'string', format: 'date-time' })],
  ['a length', root({ type: 'string', maxLength: 5 })],
  ['a tuple', root({ type: 'array', items: { type: 'string' }, prefixItems: [{ type: 'string' }] })],
  ['a name of Pydantic', { type: 'object', properties: { model_config: { type: 'string' } } }],
  ['a name that begins with _', { type: 'object', properties: { _id: { type: 'string' } } }],
  ['a reference', root({ type: 'array', items: { type: 'string', $ref: '#/x' } })],
  ['an odd property name', { type: 'object', properties: { 'a b': { type: 'string' } } }],
])('the check of published schemas finds %s', (_, schema) => {
  expect(broken(schema)).not.toEqual([]);
});
