import { describe, expect, it } from 'vitest';
import {
  FULL_VOCABULARY,
  toCallToolResult,
  toSentBlocks,
  vocabularyOf,
} from '../../../src/mcp/vocabulary.ts';

const serverOf = (revision: string | undefined) =>
  ({ getNegotiatedProtocolVersion: () => revision }) as Parameters<typeof vocabularyOf>[0];

describe('the vocabulary of a client', () => {
  it.each([
    ['2024-10-07', '2024-11-05'],
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-06-18'],
    ['2026-07-28', '2025-06-18'],
    [undefined, '2025-06-18'],
  ])('of %s is that of %s', (revision, vocabulary) => {
    expect(vocabularyOf(serverOf(revision))).toBe(vocabulary);
  });
});

describe('blocks of files', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18'] as const)(
    'are sent without a name (%s)',
    (vocabulary) => {
      const image = { type: 'image', data: 'eA==', mimeType: 'image/png' } as const;
      const text = { uri: 'dify-file://id/a.txt', mimeType: 'text/plain', text: 'a' };
      const resource = { type: 'resource', resource: text } as const;
      const named = [
        { ...image, name: 'a.png' },
        { ...resource, name: 'a.txt' },
      ];
      expect(toSentBlocks(named, vocabulary)).toEqual([image, resource]);
    },
  );

  it('are sent without name and URI where a sound has a block of its own', () => {
    const sound = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' } as const;
    const named = { ...sound, name: 'a.wav', uri: 'dify-file://id/a.wav' };
    expect(toSentBlocks([named], '2025-06-18')).toEqual([sound]);
  });
});

describe('blocks for an older client', () => {
  it('have a URI for a sound that is not kept', () => {
    const sound = { type: 'audio', data: 'UklGRg==', mimeType: 'audio/wav' } as const;
    const [first, second] = toSentBlocks([sound, sound], '2024-11-05');
    const uri = expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/) as string;
    const resource = { uri, mimeType: 'audio/wav', blob: 'UklGRg==' };
    expect([first, second]).toEqual([
      { type: 'resource', resource },
      { type: 'resource', resource },
    ]);
    expect(first).not.toEqual(second);
  });

  it.each(['2024-11-05', '2025-03-26'] as const)('have no link, which the text names (%s)', (vocabulary) => {
    const line = {
      type: 'text',
      text: 'report.pdf (PDF, 1.2 KB), kept 24 h: dify-file://id/report.pdf',
    } as const;
    const link = {
      type: 'resource_link',
      uri: 'dify-file://id/report.pdf',
      name: 'report.pdf',
      mimeType: 'application/pdf',
      size: 1234,
    } as const;
    expect(toSentBlocks([line, link], vocabulary)).toEqual([line]);
  });
});

describe('structured content', () => {
  const result = { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } } as const;
  const listed = { title: '', description: '', inputSchema: {}, annotations: {} };
  const tools = [
    { ...listed, name: 'plain' },
    { ...listed, name: 'promising', outputSchema: { type: 'object' } },
  ];
  const list = { current: () => ({ tools, fingerprint: '' }) };

  it.each([
    ['promising', FULL_VOCABULARY, true],
    ['promising', '2025-03-26', false],
    ['plain', FULL_VOCABULARY, false],
    ['unlisted', FULL_VOCABULARY, false],
  ] as const)('of the tool %s for a client of %s is sent: %s', (name, vocabulary, isSent) => {
    const { structuredContent, content } = toCallToolResult(result, vocabulary, { name, list });
    expect(content).toEqual(result.content);
    expect(structuredContent).toEqual(isSent ? { a: 1 } : undefined);
  });
});
