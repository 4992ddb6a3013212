import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { parameter, propertyOf, toolWith } from '../../support/declarations.ts';
import { broken, compiled } from '../../support/schema-rules.ts';

const AWKWARD = new URL('../../fixtures/schemas/awkward.json', import.meta.url);
const schemas = JSON.parse(readFileSync(AWKWARD, 'utf8')) as Record<string, JsonObject>;

// `npm run interop` converts the same schemas with the frameworks themselves.
test('of awkward schemas is published what every framework accepts', async () => {
  const published = Object.entries(schemas).map(([name, schema]) => {
    const { $defs, components, ...own } = schema;
    const value = typeof schema === 'boolean' ? schema : own;
    const inputSchema: JsonObject = { type: 'object', properties: { value }, $defs, components };
    const found = toolWith([parameter('p', { type: 'object', label: {}, inputSchema })]);
    expect(broken(found.inputSchema), name).toEqual([]);
    compiled(found.inputSchema);
    const { properties } = propertyOf(found, 'p') as { properties: JsonObject };
    return `  ${JSON.stringify(name)}: ${JSON.stringify(properties['value'])}`;
  });
  const text = `{\n${published.join(',\n')}\n}\n`;
  await expect(text).toMatchFileSnapshot('../../fixtures/schemas/awkward-published.json');
});
