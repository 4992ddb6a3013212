import { frame, rawFrame } from './dify-wire.ts';

/** The size of a large JSON answer that the default settings permit, in bytes. */
export const LARGE = 28_000_000;

function json(value: string): Buffer {
  return rawFrame(`{"data":{"type":"json","message":{"json_object":${value}},"meta":{}},"error":""}`);
}

function list(item: (index: number) => string): Buffer {
  const items: string[] = [];
  for (let length = 0, index = 0; length < LARGE; index += 1) {
    const next = item(index);
    items.push(next);
    length += next.length + 1;
  }
  return json(`[${items.join(',')}]`);
}

function many(count: number, message: (index: number) => object): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame(message(index))));
}

/** Large answers by what they consist of. A parsed value takes up to twenty times its text. */
export const LARGE_ANSWERS: Readonly<Record<string, () => Buffer>> = {
  'one string': () => json(JSON.stringify('客'.repeat(LARGE / 3))),
  rows: () => list((index) => `{"id":${index},"name":"person ${index}","ok":true,"score":${index / 7}}`),
  'empty objects': () => list(() => '{}'),
  keys: () => {
    const entries = Array.from({ length: LARGE / 13 }, (_, index) => `"${String(index).padStart(8, 'k')}":1`);
    return json(`{${entries.join(',')}}`);
  },
  'JSON as text': () => frame({ type: 'text', message: { text: `[${'{},'.repeat(1_300_000)}1]` }, meta: {} }),
  'a data URL': () => json(JSON.stringify(`data:application/pdf;base64,${'AAAA'.repeat(LARGE / 4)}`)),
  'small values': () =>
    many(200_000, (index) => ({ type: 'json', message: { json_object: { index } }, meta: {} })),
  steps: () =>
    many(200_000, (index) => ({
      type: 'log',
      message: { id: 'L', label: `step ${index}`, status: 'start', data: {}, metadata: {} },
      meta: {},
    })),
};
