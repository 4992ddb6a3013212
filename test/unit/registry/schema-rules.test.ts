import { expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { broken } from '../../support/schema-rules.ts';

const root = (member: JsonObject): JsonObject => ({
  type: 'object',
  properties: { a: member },
  additionalProperties: false,
});

test.each<[string, JsonObject]>([
  ['an open root', { type: 'object', properties: {} }],
  ['a choice at the root', { ...root({}), anyOf: [] }],
  ['an array without items', root({ type: 'array' })],
  ['repeated choices', root({ enum: ['a', 'a'] })],
  ['choices of two types', root({ enum: ['a', 1] })],
  ['a default outside the choices', root({ type: 'string', enum: ['a'], default: 'b' })],
  ['an exclusive bound', root({ type: 'number', exclusiveMinimum: 1 })],
  ['a long description', root({ description: 'x'.repeat(1025) })],
  ['a reference', root({ type: 'array', items: { $ref: '#/x' } })],
  ['an odd property name', { type: 'object', properties: { 'a b': {} }, additionalProperties: false }],
])('the check of published schemas finds %s', (_, schema) => {
  expect(broken(schema)).not.toEqual([]);
});
