import { describe, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import type { TestResult } from '../../support/mcp-clients.ts';
import { accountEnv, CONSOLE_WAYS, sandboxEnv, startBridge } from '../../support/running-bridge.ts';
import { said } from './rows/row.ts';

/** What a release of Dify has that the one before it had not. */
const RELEASES = [
  { version: '1.0.0', mcp: false, outputs: false, files: true },
  { version: '1.4.1', mcp: false, outputs: false, files: true },
  { version: '1.4.2', mcp: false, outputs: false, files: true },
  { version: '1.6.0', mcp: true, outputs: false, files: true },
  { version: '1.7.0', mcp: true, outputs: false, files: true },
  { version: '1.7.2', mcp: true, outputs: false, files: true },
  { version: '1.8.0', mcp: true, outputs: false, files: true },
  { version: '1.9.0', mcp: true, outputs: false, files: true },
  { version: '1.9.1', mcp: true, outputs: false, files: true },
  { version: '1.9.2', mcp: true, outputs: false, files: true },
  { version: '1.10.0', mcp: true, outputs: false, files: true },
  { version: '1.10.1', mcp: true, outputs: false, files: true },
  { version: '1.11.0', mcp: true, outputs: true, files: true },
  { version: '1.11.1', mcp: true, outputs: true, files: true },
  { version: '1.11.2', mcp: true, outputs: true, files: true },
  { version: '1.12.0', mcp: true, outputs: true, files: false },
  { version: '1.12.1', mcp: true, outputs: true, files: false },
  { version: '1.13.0', mcp: true, outputs: true, files: true },
  { version: '1.14.0', mcp: true, outputs: true, files: true },
  { version: '1.15.0', mcp: true, outputs: true, files: true },
  { version: '1.16.1', mcp: true, outputs: true, files: true },
  { version: '1.17.0', mcp: true, outputs: true, files: true },
  { version: '1.17.1', mcp: true, outputs: true, files: true },
] as const;

const ROADS = { inner: sandboxEnv, account: accountEnv } as const;
const CASES = RELEASES.flatMap((release) =>
  CONSOLE_WAYS.flatMap((way) => (['inner', 'account'] as const).map((road) => ({ ...release, way, road }))),
);
const PET = { id: 1, name: 'Biscuit', kind: 'dog', age: 4 };
const BOOK = 'Harbour Lights (L. Sandoval, 2003)';

const parts = ({ content, structuredContent, isError }: TestResult) => ({
  content,
  structuredContent,
  isError,
});

describe('every release of Dify, by both ways of listing', () => {
  // Workflows of the sandbox take their time, so the releases share it.
  it.concurrent.for(CASES)(
    '$version with the $way by the $road road',
    async ({ version, way, road, ...has }, { expect }) => {
      const sandbox = await createSandbox({ version });
      await using bridge = await startBridge({ env: ROADS[road](sandbox, way) });
      const client = await bridge.connect('v2 auto', 'stdio');
      const tools = (await client.listPage()).tools as readonly { name: string; outputSchema?: unknown }[];
      const find = (start: string) => tools.find(({ name }) => name.startsWith(start));
      expect(tools).toHaveLength(has.mcp ? 16 : 14);
      expect(bridge.app.status().listing?.problems).toEqual([]);
      expect(find('workflow__compare_texts')?.outputSchema !== undefined).toBe(has.outputs);

      const document = { data: Buffer.from('one two\nthree').toString('base64'), filename: 'a.txt' };
      const [weekday, chart, pet, comparison, report, books, broken] = await Promise.all([
        client.callTool('time__weekday', { year: 2026, month: 11, day: 22 }),
        client.callTool('paperkite_studio__draw_chart', { values: [1, 2], width: 320 }),
        client.callTool(find('api_Pet_store__getPet')?.name ?? '', { petId: 1 }),
        client.callTool('workflow__compare_texts', { first: 'a b', second: 'b c' }),
        client.callTool('workflow__text_report', { document }),
        has.mcp ? client.callTool('mcp_library-desk__search_books', { query: 'harbour' }) : undefined,
        client.callTool('paperkite_mishaps__break_midway'),
      ]);

      expect(parts(weekday)).toEqual({ content: [said('November 22, 2026 is Sunday.')] });
      expect(chart).toMatchObject({
        content: [
          said('A bar chart of 2 values, 320 by 200 pixels.'),
          { type: 'text', text: expect.stringMatching(/^chart\.png \(PNG, /) },
          { type: 'image', mimeType: 'image/png' },
        ],
      });
      expect(parts(pet)).toEqual({ content: [said(JSON.stringify(PET))] });
      expect(comparison.content).toHaveLength(1);
      const outputs = {
        verdict: 'The texts share 1 of 3 different words.',
        similarity: 0.333,
        shared_words: ['b'],
        counts: { first: 2, second: 2, shared: 1 },
      };
      expect(JSON.parse(comparison.content[0]?.text ?? '')).toEqual(outputs);
      expect(comparison.structuredContent).toEqual(has.outputs ? outputs : undefined);
      if (has.files || road === 'account') {
        expect(report).toMatchObject({
          content: [
            { text: expect.stringMatching(/^a-report\.md \(MD, /) },
            { type: 'resource', resource: { text: expect.stringContaining('- Lines: 2') } },
            { text: expect.stringContaining('"lines":2') },
          ],
        });
      } else {
        expect(report.isError).toBe(true);
        expect(report.content[0]?.text).toContain(`Dify ${version} cannot return files of workflow tools`);
      }
      if (books !== undefined) {
        expect(parts(books)).toEqual({
          content: [said(BOOK), said(JSON.stringify({ total: 1, titles: [BOOK] }))],
        });
      }
      expect(parts(broken)).toEqual({
        content: [
          said('The tool failed: The second half is missing on purpose.'),
          // Dify's console drops what a failed tool sent before.
          ...(road === 'inner'
            ? [said('Output before the error:'), said('The first half of the text.')]
            : []),
        ],
        isError: true,
      });
      await sandbox.close();
    },
  );
});
