import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import * as fc from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import type { EmbeddedFiles } from '../../../src/content/embedded-files.ts';
import { toShownValue } from '../../../src/content/json-values.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { withoutSteering } from '../../../src/model/invisible-characters.ts';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import type { ToolInvokeMessage } from '../../../src/model/message.ts';
import {
  aTool,
  bytes,
  convert,
  difyFile,
  openerOf,
  PDF,
  PNG,
  textsOf,
  WAV,
} from '../../support/content-fixtures.ts';

const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const anyText = fc.oneof(
  fc.string({ unit: fc.character }),
  fc.constantFrom('{"a":1}', '{', '[1,2]', ' ', '{"f":'),
  anyJson.map((value) => JSON.stringify(value)),
  fc.constant(JSON.stringify({ f: difyFile() })),
);
const anyName = fc.constantFrom('a', 'b', 'text', 'json', '__proto__', 'constructor', '');
const anyObject = fc.dictionary(anyName, anyJson) as fc.Arbitrary<JsonObject>;
const maybe = <T>(arbitrary: fc.Arbitrary<T>, key: string) =>
  fc.option(arbitrary, { nil: undefined }).map((value) => (value === undefined ? {} : { [key]: value }));
const anyReference = fc
  .tuple(
    maybe(fc.oneof(fc.webUrl(), fc.string({ unit: fc.character }), fc.constant('/files/tools/x.png')), 'url'),
    maybe(fc.constantFrom('1', '2', '\ud800'), 'id'),
    maybe(fc.string({ unit: fc.character }), 'filename'),
    maybe(fc.constantFrom('image/png', 'text/html', 'no type', 'audio/mpeg', 'IMAGE/SVG+XML; x'), 'mimeType'),
    maybe(fc.integer(), 'size'),
  )
  .map((parts) => Object.assign({}, ...parts) as object);

const anyMessage = fc.oneof(
  fc.record({ type: fc.constant('text'), text: anyText }),
  fc.record({
    type: fc.constant('json'),
    value: fc.oneof(anyJson, anyObject, fc.constant(difyFile())),
  }),
  fc.record({
    type: fc.constant('variable'),
    name: anyName,
    value: fc.oneof(anyJson, fc.string()),
    stream: fc.boolean(),
  }),
  fc.record({ type: fc.constant('link'), url: fc.webUrl() }),
  fc.record({
    type: fc.constant('file'),
    wireType: fc.constantFrom('link', 'image_link'),
    file: anyReference,
  }),
  fc.record({
    type: fc.constant('log'),
    log: fc.constant({ id: 'L', label: 'l', status: 'start', data: {}, metadata: {} }),
  }),
  fc.record({
    type: fc.constant('retriever_resources'),
    context: fc.string(),
    resources: fc.array(fc.record({ content: fc.string(), title: fc.string(), raw: fc.constant({}) })),
  }),
  fc.record({ type: fc.constant('unknown'), wireType: fc.string(), raw: anyJson }),
) as fc.Arbitrary<ToolInvokeMessage>;

const anyAnswer: fc.Arbitrary<Parameters<typeof openerOf>[0]> = fc.oneof(
  fc.constantFrom(
    bytes(PNG),
    bytes(WAV),
    bytes(PDF),
    { bytes: PNG, size: 5_000_000 },
    { kind: 'external' as const },
    { kind: 'unavailable' as const, reason: 'r' },
  ),
  fc.uint8Array({ maxLength: 50 }).map((content) => bytes(content, 'text/plain')),
);

const anySchema = fc.option(
  fc.dictionary(
    anyName,
    fc.constantFrom({ type: 'string' }, { type: 'number' }, { type: 'array', items: { type: 'string' } }, {}),
  ),
  { nil: undefined },
);

const anyError = fc.constantFrom(
  undefined,
  new BridgeError('tool_failed', 'kaput'),
  new Error('inside'),
  'a string',
);

describe('any sequence of messages', () => {
  it('gives a valid result, whose first block is text, and never throws', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage),
        anyAnswer,
        anySchema,
        anyError,
        async (messages, answer, properties, error) => {
          const tool = properties ? aTool({ outputSchema: { type: 'object', properties } }) : aTool();
          const result = await convert(messages, {
            opener: openerOf(answer),
            tool,
            error,
            maxOutputBytes: 1000,
            limits: { maxImageBytes: 100, maxTextChars: 40 },
          });
          expect(CallToolResultSchema.safeParse(result).error).toBeUndefined();
          expect(result.content[0]?.type).toBe('text');
          expect(result.isError === true).toBe(error !== undefined);
          const hasMedia = result.content.some((block) => block.type !== 'text');
          const mustHave = error === undefined && properties !== undefined;
          const mayHave = mustHave || (error === undefined && !hasMedia);
          expect(result.structuredContent !== undefined || !mustHave).toBe(true);
          expect(result.structuredContent === undefined || mayHave).toBe(true);
        },
      ),
      { numRuns: fc.runs(500) },
    );
  });

  it('loses no text and no distinct value, and shows no file object of Dify', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage), anyError, async (messages, error) => {
        const result = await convert(messages, { error });
        const shown = textsOf(result).join('\n');
        expect(shown).not.toContain('FAKE-SIGNATURE');
        expect(messages.filter((message) => isLost(message, messages, shown, result))).toEqual([]);
      }),
      { numRuns: fc.runs(500) },
    );
  });

  it('is read the same however text is cut into messages', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), async (pieces) => {
        const whole = await convert([{ type: 'text', text: pieces.join('') }]);
        const cut = await convert(pieces.map((piece) => ({ type: 'text', text: piece })));
        expect(cut).toEqual(whole);
      }),
    );
  });
});

/** True when what a message says is nowhere in the text of the result. Dify's file objects are another test's. */
function isLost(
  message: ToolInvokeMessage,
  all: readonly ToolInvokeMessage[],
  shown: string,
  result: ToolResult,
): boolean {
  if (JSON.stringify(message).includes('__dify__file__')) return false;
  // A run with a file object is rewritten, which may change the spaces between its tokens.
  const isRewritten = all.some((other) => other.type === 'text' && other.text.includes('__dify__file__'));
  if (message.type === 'text') return !isRewritten && !shown.includes(withoutSteering(message.text));
  if (message.type === 'link') return !shown.includes(withoutSteering(message.url));
  if (message.type !== 'json') return false;
  const value = canonicalOf(JSON.stringify(message.value));
  // A text message with the same value may be inside a longer run of text.
  const isText = all.some((other) => other.type === 'text' && canonicalOf(other.text) === value);
  return !isText && !textsOf(result).some((text) => canonicalOf(text) === value);
}

const NO_FILES = { shown: (text: string) => text, links: new Map() } as unknown as EmbeddedFiles;

/** A JSON text with its keys in order, whatever its spelling; any other text as it is. */
function canonicalOf(text: string): string {
  try {
    return JSON.stringify(sorted(toShownValue(JSON.parse(text) as Json, NO_FILES)));
  } catch {
    return text;
  }
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).map(([name, item]): [string, Json] => [
    name,
    sorted(item ?? null),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
