import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { FULL_VOCABULARY, toCallToolResult } from '../../../src/mcp/vocabulary.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import type { ToolResult } from '../../../src/model/content.ts';
import type { FileReference } from '../../../src/model/message.ts';
import { bodyOf, recordings, sharedNote } from '../../support/shared.ts';
import {
  aTool,
  bytes,
  convert,
  JPEG,
  openerOf,
  PDF,
  PNG,
  textsOf,
  WAV,
  withoutIds,
} from '../../support/content-fixtures.ts';
import { replay } from '../../support/content-wire.ts';

type Answer = Exclude<Parameters<typeof openerOf>[0], Function>;

/** What the fake server holds, by the link's extension. */
const STORED: Record<string, ReturnType<typeof bytes>> = {
  png: bytes(PNG, 'image/png'),
  jpg: bytes(JPEG, 'image/jpeg'),
  pdf: bytes(PDF, 'application/pdf'),
  mp3: bytes(Buffer.from('fffb9064', 'hex'), 'audio/mpeg'),
  bin: bytes(WAV, 'application/octet-stream'),
  txt: bytes(Buffer.from('x'.repeat(2000)), 'text/plain'),
};

/** Fetches everything of Dify's, as with a signing key. */
function stored({ url = '' }: FileReference): Answer {
  if (!url.startsWith('/files/')) return { kind: 'external' };
  return STORED[url.split('.').at(-1) ?? ''] ?? { kind: 'unavailable', reason: 'Not stored.' };
}

/** Fetches only links that Dify signed, as without a signing key. */
function signedOnly({ url = '' }: FileReference): Answer {
  if (url.startsWith('http') && url.includes('sign=')) return bytes(PNG, 'image/png');
  return url.startsWith('/files/')
    ? { kind: 'unavailable', reason: 'No key signs it.' }
    : { kind: 'external' };
}

const entries = recordings('invoke');

async function resultOf(name: string, answer = stored): Promise<ToolResult> {
  const entry = entries.find((candidate) => candidate.name.endsWith(name));
  if (entry === undefined) throw new Error(`no recording ${name}`);
  const { messages, error } = replay(bodyOf(entry));
  const failure = error === undefined ? undefined : new BridgeError('tool_failed', `Dify said: ${error}`);
  return convert(messages, { opener: openerOf(answer), error: failure });
}

const shape = (result: ToolResult): string[] =>
  result.content.map((block) =>
    block.type === 'resource' ? `resource ${block.resource.mimeType}` : block.type,
  );

describe(`recorded answers${sharedNote}`, () => {
  it.skipIf(entries.length === 0).each(entries.map(({ name }) => name))(
    '%s gives a valid result',
    async (name) => {
      const result = await resultOf(name);
      const tool = { ...aTool(), outputSchema: { type: 'object' } };
      const list = { current: () => ({ tools: [tool], fingerprint: '' }) };
      const sent = toCallToolResult(result, FULL_VOCABULARY, { name: tool.name, list });
      expect(sent.structuredContent).toEqual(result.structuredContent);
      expect(CallToolResultSchema.parse(sent)).toEqual(sent);
      expect(result.content[0]?.type).toBe('text');
    },
  );

  describe.skipIf(entries.length === 0)('in detail', () => {
    it('an api tool says its JSON once', async () => {
      expect(await resultOf('api-json')).toEqual({
        content: [{ type: 'text', text: '{"hello": "w\\u00f6rld", "n": 1}' }],
        structuredContent: { hello: 'wörld', n: 1 },
      });
      expect(await resultOf('api-list')).toEqual({ content: [{ type: 'text', text: '[1, {"a": 2}]' }] });
      expect(await resultOf('api-text')).toEqual({ content: [{ type: 'text', text: 'plain {"x":1}' }] });
    });

    it('a hard-coded tool says its text', async () => {
      expect(await resultOf('builtin-weekday')).toEqual({
        content: [{ type: 'text', text: 'November 22, 2026 is Sunday.' }],
      });
    });

    it('a workflow says its outputs once', async () => {
      expect(await resultOf('workflow-text')).toEqual({
        content: [{ type: 'text', text: '{"CHANGED": "héllo"}' }],
        structuredContent: { CHANGED: 'héllo' },
      });
    });

    it('a workflow’s file comes once, through the signed link of its outputs', async () => {
      const result = await resultOf('workflow-file-in-and-out', signedOnly);
      const shown = { filename: 'p.png', mime_type: 'image/png', size: 70 };
      expect(withoutIds(result)).toEqual({
        content: [
          {
            type: 'text',
            text: 'p.png (PNG, 70 bytes), shown below, kept 24 h: FILE1/p.png',
          },
          { type: 'image', data: PNG.toString('base64'), mimeType: 'image/png', name: 'p.png' },
          { type: 'text', text: JSON.stringify({ out: shown, outs: [shown, shown] }) },
        ],
      });
    });

    it('a tool of an MCP server says each value once', async () => {
      const result = await resultOf('mcp-mixed');
      expect(shape(result)).toEqual([
        'text',
        'text',
        'text',
        'text',
        'image',
        'text',
        'audio',
        'text',
        'text',
      ]);
      expect(textsOf(result).slice(0, 3)).toEqual(['hello {"a": "x"}', '{"j":1}', '{"k":2}']);
      expect(textsOf(result).slice(-2)).toEqual(['res text', '{"x":1}']);
    });

    it('every type of message has its place', async () => {
      const result = await resultOf('plugin-all-message-types');
      const before = [
        'text',
        'text',
        'text',
        'text',
        'text',
        'image',
        'text',
        'text',
        'text',
        'text',
        'image',
      ];
      const files = ['resource_link', 'text', 'audio', 'text', 'audio', 'text', 'resource text/plain'];
      expect(shape(result)).toEqual([...before, 'text', ...files, 'text', 'text']);
      expect(textsOf(result).slice(-2)).toEqual([
        'ctx\n\nSources:\n- ds',
        '{"v":{"k":[1]},"s":"part","n0":null}',
      ]);
      expect(result.structuredContent).toBeUndefined();
    });

    it('an error keeps what came before it', async () => {
      const result = await resultOf('plugin-error-midstream');
      expect(result.isError).toBe(true);
      expect(textsOf(result)[0]).toContain('kaput');
      expect(textsOf(result).at(-1)).toBe('before');
    });
  });
});
