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
  ['a reference', root({ type: 'array', items: { type: 'string', $ref: '#/x' } })],
  ['an odd property name', { type: 'object', properties: { 'a b': { type: 'string' } } }],
])('the check of published schemas finds %s', (_, schema) => {
  expect(broken(schema)).not.toEqual([]);
});
