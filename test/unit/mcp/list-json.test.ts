import { expect, it } from 'vitest';
import {
  keepList,
  leaveListOut,
  leftOutOf,
  listBehind,
  listBytes,
  listJson,
  pageFor,
} from '../../../src/mcp/list-json.ts';

const toolsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    name: `tool_${index}`,
    description: 'Zählt "mit", 数える.',
    inputSchema: { type: 'object' as const },
  }));

it.each([0, 1, 49, 50, 51, 120])('is the JSON of a list of %i tools, made once', (count) => {
  const tools = toolsOf(count);
  const json = Buffer.concat(listJson(tools));
  expect(json.toString()).toBe(JSON.stringify(tools));
  expect(listBytes(tools)).toBe(json.length);
  expect(listJson(tools)).toBe(listJson(tools));
});

it('has U+FFFD for half a character, wherever it stands', () => {
  const half = {
    name: 'a',
    inputSchema: { type: 'object' as const, properties: { '\ud83d': { enum: ['😀\ude00'] } } },
  };
  const whole = {
    ...half,
    inputSchema: { type: 'object', properties: { '\ufffd': { enum: ['😀\ufffd'] } } },
  };
  expect(Buffer.concat(listJson([half])).toString()).toBe(JSON.stringify([whole]));
});

it('stands in a page, unless it is to be left out for the request', () => {
  const page = { tools: toolsOf(2), nextCursor: 'x' };
  const [ordinary, asking] = [new Request('http://a/'), new Request('http://a/')];
  expect(pageFor(undefined, page)).toBe(page);
  expect(pageFor(ordinary, page)).toBe(page);
  expect(leftOutOf(ordinary)).toBeUndefined();

  leaveListOut(asking);
  expect(leftOutOf(asking)).toBeUndefined();
  const short = pageFor(asking, page);
  expect(short).toEqual({ tools: [], nextCursor: 'x' });
  expect(leftOutOf(asking)).toBe(page.tools);
  expect(listBehind(short.tools)).toBe(page.tools);
  expect([listBehind([]), listBehind(page.tools), listBehind(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);

  keepList(asking);
  expect(pageFor(asking, page)).toBe(page);
});
