import * as fc from '../../../support/fast-check.ts';
import { describe, expect, test } from 'vitest';
import { parsePythonJson } from '../../../../src/model/exact-json.ts';
import type { Frame } from '../../../../src/dify/inner/frame.ts';
import { decodeFrames } from '../../../../src/dify/inner/frames.ts';
import { BridgeError } from '../../../../src/model/errors.ts';
import { MemoryBudget } from '../../../../src/model/memory-budget.ts';
import { bodyOf, recordings, sharedNote } from '../../../support/shared.ts';
import {
  collect,
  collectUntilError,
  errorFrame,
  frame,
  line,
  rawFrame,
  streamOf,
  WIRE_MESSAGES,
} from '../../../support/dify-wire.ts';

const MAX = { maxFrameBytes: 1024 * 1024 };
const messages = Object.values(WIRE_MESSAGES);
const failed: Frame = { data: null, error: 'kaput' };
const expected: Frame[] = [...messages.map((data) => ({ data, error: undefined })), failed];
const lengthPrefixed = Buffer.concat([...messages.map(frame), errorFrame('kaput')]);
const lines = Buffer.concat([
  Buffer.from('event: ping\n\n: comment\nid: 1\r\n'),
  ...messages.map((data, index) =>
    index % 2 === 0 ? line(data) : Buffer.concat([Buffer.from('data: '), line(data)]),
  ),
  line(null, 'kaput'),
]);

function decode(chunks: Iterable<Uint8Array>, maxFrameBytes = MAX.maxFrameBytes): AsyncIterable<Frame> {
  return decodeFrames(streamOf(chunks), { maxFrameBytes });
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** Cuts at the given offsets, empty pieces included. */
function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const points = [0, ...offsets.map((offset) => Math.min(offset, bytes.length)).sort((a, b) => a - b)];
  return points.map((point, index) => bytes.subarray(point, points[index + 1] ?? bytes.length));
}

describe.each([
  ['length-prefixed frames', lengthPrefixed],
  ['lines', lines],
])('%s', (_name, bytes) => {
  test('whole, and byte by byte', async () => {
    expect(await collect(decode([bytes]))).toEqual(expected);
    expect(await collect(decode(bytewise(bytes)))).toEqual(expected);
  });

  test('cut once, at every offset', async () => {
    for (let offset = 0; offset <= bytes.length; offset += 1) {
      const frames = await collect(decode(cutAt(bytes, [offset])));
      expect({ offset, frames }).toEqual({ offset, frames: expected });
    }
  });

  test('are yielded as soon as they are complete', async () => {
    const seen: number[] = [];
    let sent = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const data of messages) {
        yield await Promise.resolve(bytes === lines ? line(data) : frame(data));
        sent += 1;
      }
    }
    for await (const _frame of decodeFrames(source(), MAX)) seen.push(sent);
    expect(seen).toEqual(messages.map((_, index) => index));
  });

  test('nothing after the error frame, and the source is closed', async () => {
    let closed = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield await Promise.resolve(Buffer.concat([bytes, frame(WIRE_MESSAGES.text)]));
        yield Buffer.from('garbage');
      } finally {
        closed = true;
      }
    }
    expect(await collect(decodeFrames(source(), MAX))).toEqual(expected);
    expect(closed).toBe(true);
  });
});

describe('any frames in any chunks', () => {
  const payloads = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 8 });
  const offsets = fc.array(fc.nat(2000), { maxLength: 30 });
  const visible = (data: unknown): boolean => data !== null;

  test('length-prefixed, with headers of any length', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, offsets, fc.integer({ min: 4, max: 40 }), async (values, cuts, header) => {
        const data = values.filter(visible);
        const bytes = Buffer.concat(
          data.map((value) => rawFrame(JSON.stringify({ data: value, error: '' }), header)),
        );
        const frames = await collect(decode(cutAt(bytes, cuts)));
        // Through JSON once, as on the wire: it has no -0.
        expect(frames.map((entry) => entry.data)).toEqual(parsePythonJson(JSON.stringify(data)));
      }),
      { numRuns: fc.runs(300) },
    );
  });

  test('lines', async () => {
    await fc.assert(
      fc.asyncProperty(payloads, offsets, async (values, cuts) => {
        const data = values.filter(visible);
        const bytes = Buffer.concat(data.map((value) => line(value)));
        const frames = await collect(decode(cutAt(bytes, cuts)));
        expect(frames.map((entry) => entry.data)).toEqual(parsePythonJson(JSON.stringify(data)));
      }),
      { numRuns: fc.runs(300) },
    );
  });

  test('arbitrary bytes end in frames or in one of three errors, never in anything else', async () => {
    const codes = ['none', 'stream_broken', 'frame_too_large', 'upstream_wrong_address'];
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.boolean(), async (noise, framed) => {
        const bytes = framed ? Buffer.concat([Buffer.of(0x0f, 0), noise]) : noise;
        const code = await collect(decode([bytes], 100)).then(
          () => 'none',
          (error: unknown) => (error instanceof BridgeError ? error.code : error),
        );
        expect(codes).toContain(code);
      }),
      { numRuns: fc.runs(500) },
    );
  });
});

describe('recorded streams', () => {
  const streams = recordings('invoke').map((entry) => ({
    name: entry.name,
    bytes: bodyOf(entry),
    chunks: (entry.response.chunks ?? []).map((chunk) => Buffer.from(chunk.base64, 'base64')),
  }));

  // Frames and lines of the tests' own are cut at every offset above.
  test(`cut once, at every seventh offset${sharedNote}`, async () => {
    for (const { name, bytes } of streams) {
      const whole = await collect(decode([bytes]));
      expect(whole).not.toEqual([]);
      const text = JSON.stringify(whole);
      const differing: number[] = [];
      for (let offset = 1; offset < bytes.length; offset += 7) {
        const frames = await collect(decode([bytes.subarray(0, offset), bytes.subarray(offset)]));
        if (JSON.stringify(frames) !== text) differing.push(offset);
      }
      expect({ name, differing }).toEqual({ name, differing: [] });
      expect(await collect(decode(bytewise(bytes)))).toEqual(whole);
    }
  });

  test(`in the chunks they came in${sharedNote}`, async () => {
    for (const { bytes, chunks } of streams) {
      expect(await collect(decode(chunks))).toEqual(await collect(decode([bytes])));
    }
  });
});

describe('ends and limits', () => {
  test('no bytes are no frames', async () => {
    expect(await collect(decode([]))).toEqual([]);
    expect(await collect(decode([Buffer.alloc(0)]))).toEqual([]);
  });

  test('an end inside a frame is a broken stream, wherever it is; what was complete has been yielded', async () => {
    const first = frame(WIRE_MESSAGES.text);
    const both = Buffer.concat([first, frame(WIRE_MESSAGES.json)]);
    for (let end = 1; end < both.length; end += 1) {
      if (end === first.length) continue;
      const { values, error } = await collectUntilError(decode([both.subarray(0, end)]));
      const outcome = { end, code: error.code, frames: values.length };
      expect(outcome).toEqual({ end, code: 'stream_broken', frames: end > first.length ? 1 : 0 });
    }
  });

  test('an end inside a line is a broken stream; only the line break may be missing', async () => {
    const both = Buffer.concat([line(WIRE_MESSAGES.text), line(WIRE_MESSAGES.json)]);
    const { values, error } = await collectUntilError(decode([both.subarray(0, both.length - 10)]));
    expect(error.code).toBe('stream_broken');
    expect(values).toHaveLength(1);
    expect(await collect(decode([both.subarray(0, both.length - 2)]))).toHaveLength(2);
  });

  test('a wrong first byte, and a wrong byte where the second frame should begin', async () => {
    const start = await collectUntilError(decode([Buffer.of(0x7f, 1, 2)]));
    expect(start.error.code).toBe('stream_broken');
    expect(start.error.message).toContain('0x7f');
    const later = await collectUntilError(decode([frame(WIRE_MESSAGES.text), Buffer.from('x')]));
    expect(later.error.code).toBe('stream_broken');
    expect(later.values).toHaveLength(1);
  });

  test('a header that is too short to hold a length', async () => {
    const bytes = Buffer.from('0f00030002000000', 'hex');
    expect((await collectUntilError(decode([bytes]))).error.code).toBe('stream_broken');
  });

  test.each(['<!doctype html><html>', '\n  <html><body>no</body></html>\n'])(
    'a web page is a wrong address: %j',
    async (page) => {
      const { error } = await collectUntilError(decode([Buffer.from(page)]));
      expect(error.code).toBe('upstream_wrong_address');
    },
  );

  test('a frame over the limit is refused by its header alone, one at the limit is read', async () => {
    const payload = JSON.stringify({ data: { type: 'text' }, error: '' });
    const bytes = rawFrame(payload);
    expect(await collect(decode([bytes], payload.length))).toHaveLength(1);
    const { error } = await collectUntilError(decode([bytes.subarray(0, 8)], payload.length - 1));
    expect(error.code).toBe('frame_too_large');
    expect(error.message).toContain(`${payload.length} bytes`);
    expect(error.hint).toContain('calls.maxFrameBytes');
  });

  test('a line that never ends is refused at the limit', async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield await Promise.resolve(Buffer.alloc(100, '{'));
        sent += 100;
      }
    }
    const { error } = await collectUntilError(decodeFrames(endless(), { maxFrameBytes: 1000 }));
    expect(error.code).toBe('frame_too_large');
    expect(sent).toBe(1000);
  });
});

describe('frames that are not as they should be stay in the stream', () => {
  const good = { data: WIRE_MESSAGES.text, error: undefined };

  test.each([
    ['no JSON', '{"data":', '{"data":'],
    ['empty', '', ''],
    ['JSON that is no object', '[1,2]', [1, 2]],
    ['an object that is no envelope', '{"hello":1}', { hello: 1 }],
    ['a byte that is no UTF-8, in JSON', Buffer.from('{"data":"a\xff","error":""}', 'latin1'), 'a\uFFFD'],
    ['a byte that is no UTF-8, elsewhere', Buffer.from('\xff{}', 'latin1'), '\uFFFD{}'],
  ])('%s', async (_name, payload, data) => {
    const bytes = Buffer.concat([rawFrame(payload), frame(WIRE_MESSAGES.text)]);
    expect(await collect(decode([bytes]))).toEqual([{ data, error: undefined }, good]);
    expect(await collect(decode(bytewise(bytes)))).toEqual([{ data, error: undefined }, good]);
  });

  test('a line that is no JSON', async () => {
    const bytes = Buffer.concat([Buffer.from('{oops\n'), line(WIRE_MESSAGES.text)]);
    expect(await collect(decode([bytes]))).toEqual([{ data: '{oops', error: undefined }, good]);
  });

  test('neither data nor an error text: the tool failed with an exception without words', async () => {
    expect(await collect(decode([errorFrame(''), frame(1)]))).toEqual([{ data: null, error: '' }]);
  });

  test('an error that is no text', async () => {
    const bytes = rawFrame('{"data":null,"error":{"message":"m"}}');
    expect(await collect(decode([bytes]))).toEqual([{ data: null, error: '{"message":"m"}' }]);
  });
});

test.each(['frames', 'lines'])('one of %s in very many chunks is not copied at every chunk', async (kind) => {
  const payload = JSON.stringify({
    data: { type: 'text', message: { text: 'x'.repeat(30_000_000) } },
    error: '',
  });
  const bytes = kind === 'frames' ? rawFrame(payload) : Buffer.from(`${payload}\n`);
  // Copying what came so far at every chunk would move more than 2 TB, for longer than a test may take.
  const chunks = Array.from({ length: Math.ceil(bytes.length / 200) }, (_, index) =>
    bytes.subarray(index * 200, (index + 1) * 200),
  );
  expect(await collect(decode(chunks, 40_000_000))).toHaveLength(1);
});

describe('memory', () => {
  const large = { type: 'json', message: { json_object: { a: 'x'.repeat(100_000) } }, meta: {} };

  test.each([
    ['frames', frame],
    ['lines', line],
  ])('of %s: nothing more is read while there is none', async (_kind, encode) => {
    const budget = new MemoryBudget(500_000);
    const [other, memory] = [budget.lease(), budget.lease()];
    expect(other.tryTake(490_000)).toBe(true);
    let sent = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const chunk of cutAt(encode(large), [20_000, 40_000, 60_000, 80_000])) {
        sent += 1;
        yield await Promise.resolve(chunk);
      }
    }
    const frames = collect(decodeFrames(source(), { maxFrameBytes: 1_000_000, memory }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBe(1);
    other.end();
    expect(await frames).toEqual([{ data: large, error: undefined }]);
    expect(budget.used).toBeGreaterThan(300_000);
    memory.end();
    expect(budget.used).toBe(0);
  });

  test('is not needed for what is not kept', async () => {
    const budget = new MemoryBudget(500_000);
    const options = { maxFrameBytes: 1_000_000, memory: budget.lease(), isKept: () => false };
    expect(await collect(decodeFrames(streamOf(Array(10).fill(frame(large))), options))).toHaveLength(10);
    expect(budget.used).toBe(0);
  });

  test('is refused before a frame of too many values is parsed', async () => {
    const budget = new MemoryBudget(500_000);
    const many = {
      type: 'json',
      message: { json_object: Array.from({ length: 20_000 }, () => ({})) },
      meta: {},
    };
    const options = { maxFrameBytes: 1_000_000, memory: budget.lease() };
    const { values, error } = await collectUntilError(
      decodeFrames(streamOf([frame(1), frame(many)]), options),
    );
    expect(values).toHaveLength(1);
    expect(error).toMatchObject({ code: 'frame_too_large' });
  });
});
