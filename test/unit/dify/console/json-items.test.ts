import { describe, expect, it } from 'vitest';
import { jsonItems } from '../../../../src/dify/console/json-items.ts';
import * as fc from '../../../support/fast-check.ts';

function inChunks(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

async function itemsOf(json: string, size = 1 << 20): Promise<string[]> {
  const items: string[] = [];
  const reject = (expected: string): never => {
    throw new Error(`not ${expected}`);
  };
  for await (const item of jsonItems(inChunks(Buffer.from(json), size), reject)) items.push(item.toString());
  return items;
}

describe('the items of a list', () => {
  it('are what the list was made of, however it is written and wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue()),
        fc.constantFrom(undefined, 1, '\t\r\n'),
        fc.integer({ min: 1, max: 40 }),
        async (list, indent, size) => {
          const json = JSON.stringify(list, undefined, indent);
          const items = await itemsOf(` ${json}\n`, size);
          expect(items.map((item) => JSON.parse(item) as unknown)).toEqual(JSON.parse(json));
        },
      ),
    );
  });

  it.each([
    ['brackets, commas and quotes in texts', '["],[{","a\\\\","\\"]"]', ['"],[{"', '"a\\\\"', '"\\"]"']],
    ['an empty list with blanks', ' [ \n ] ', []],
    ['lists in lists', '[[1,[2]],[]]', ['[1,[2]]', '[]']],
    ['texts beyond ASCII', '["工具","é"]', ['"工具"', '"é"']],
  ])('may have %s', async (_, json, expected) => {
    for (const size of [1, 2, 3, 100]) expect(await itemsOf(json, size)).toEqual(expected);
  });

  it('come as soon as they have arrived', async () => {
    let sent = 0;
    async function* arriving() {
      for (const part of ['[{"a":1},', '{"b":2}', ']']) {
        sent += 1;
        yield Buffer.from(part);
      }
    }
    const fail = (): never => expect.unreachable();
    const items = jsonItems(arriving(), fail);
    expect((await items.next()).value?.toString()).toBe('{"a":1}');
    expect(sent).toBe(1);
    expect((await items.next()).value?.toString()).toBe('{"b":2}');
    expect((await items.next()).done).toBe(true);
  });

  it.each([
    ['an object', '{"data":[]}', 'not a list'],
    ['a number', ' -1', 'not a list'],
    ['null', 'null', 'not a list'],
    ['HTML', '<html>', 'not JSON'],
    ['nothing', '', 'not JSON'],
    ['blanks', ' \n', 'not JSON'],
    ['a list that breaks off', '[{"a":1},{"b"', 'not JSON'],
    ['a list that breaks off in a text', '["]', 'not JSON'],
    ['a list with something behind it', '[1] x', 'not JSON'],
    ['two lists', '[1][2]', 'not JSON'],
  ])('are none of %s', async (_, json, message) => {
    for (const size of [1, 100]) await expect(itemsOf(json, size)).rejects.toThrow(message);
  });

  it('may turn out not to be JSON, which is for the reader of the item', async () => {
    expect(await itemsOf('[1,]')).toEqual(['1', '']);
    expect(await itemsOf('[,{a}]')).toEqual(['', '{a}']);
    expect(await itemsOf('[}]')).toEqual(['}']);
  });
});
