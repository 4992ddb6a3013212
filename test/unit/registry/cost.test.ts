import { describe, expect, test } from 'vitest';
import type { ListedTool } from '../../../src/model/registry.ts';
import { exceededLimits, toolCost, totalCost } from '../../../src/registry/cost.ts';

const tool = (description: string): ListedTool => ({
  name: 'n',
  title: '',
  description,
  inputSchema: {},
  annotations: {},
});
const cost = (text: string) => {
  const [whole, empty] = [toolCost(tool(text)), toolCost(tool(''))];
  return { bytes: whole.bytes - empty.bytes, tokens: whole.tokens - empty.tokens };
};

describe('the cost of a tool', () => {
  test('counts the bytes of its JSON in tools/list, outputs included', () => {
    const whole: ListedTool = { ...tool('Größe 界'), outputSchema: { type: 'object' } };
    const { name, title, description, inputSchema, outputSchema } = whole;
    const json = JSON.stringify({ name, title, description, inputSchema, outputSchema });
    expect(toolCost(whole).bytes).toBe(new TextEncoder().encode(json).length);
    expect(toolCost(whole).bytes).toBeGreaterThan(toolCost({ ...tool('Größe 界') }).bytes);
  });

  test('estimates four ASCII characters, two other letters or one of CJK as a token', () => {
    expect(cost('a'.repeat(400))).toEqual({ bytes: 400, tokens: 100 });
    expect(cost('界'.repeat(100))).toEqual({ bytes: 300, tokens: 100 });
    expect(cost('あ'.repeat(100)).tokens).toBe(100);
    expect(cost('한'.repeat(100)).tokens).toBe(100);
    expect(cost('я'.repeat(100))).toEqual({ bytes: 200, tokens: 50 });
    expect(cost('😀'.repeat(10)).tokens).toBe(20);
  });

  test('ignores what is not part of the definition', () => {
    const published = { ...tool('x'), ref: 'y'.repeat(1000) };
    expect(toolCost(published)).toEqual(toolCost(tool('x')));
  });

  test('adds up', () => {
    const tools = [tool('a'), tool('bb'), tool('界')];
    const sum = tools
      .map(toolCost)
      .reduce((a, b) => ({ bytes: a.bytes + b.bytes, tokens: a.tokens + b.tokens }));
    expect(totalCost(tools)).toEqual(sum);
    expect(totalCost([])).toEqual({ bytes: 0, tokens: 0 });
  });
});

describe('the limits of clients', () => {
  test('are passed one after the other', () => {
    const counts = [40, 41, 80, 81, 128, 129].map((tools) => exceededLimits(tools).length);
    expect(counts).toEqual([0, 1, 1, 2, 2, 3]);
    expect(exceededLimits(129).map(({ tools }) => tools)).toEqual([40, 80, 128]);
  });
});
