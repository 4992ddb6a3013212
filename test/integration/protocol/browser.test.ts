import { describe, expect, it } from 'vitest';
import { sharedChromium, startPage } from '../../support/chromium.ts';
import { runHost } from '../../support/http-host.ts';

const TOKEN = 'fake-token';

/** What a page does with a client of either era. */
const script = (url: string, mode: string): string => `
  import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
  try {
    const transport = new StreamableHTTPClientTransport(new URL(${JSON.stringify(url)}), {
      requestInit: { headers: { Authorization: 'Bearer ${TOKEN}' } },
    });
    const client = new Client({ name: 'page', version: '1' }, ${mode});
    await client.connect(transport);
    const session = transport.sessionId;
    const { tools } = await client.listTools();
    const progress = [];
    const called = await client.callTool(
      { name: 'echo', arguments: { text: 'from a page' } },
      { onprogress: ({ message }) => progress.push(message) },
    );
    if (session !== undefined) await transport.terminateSession();
    await client.close();
    report({ hasSession: session !== undefined, tools: tools.length, text: called.content[0].text });
  } catch (error) {
    report({ error: String(error) });
  }`;

describe('a web page', { tags: ['browser'] }, () => {
  const chromium = sharedChromium();
  it.each([
    ['2025-11-25', '{}', true],
    ['2026-07-28', "{ versionNegotiation: { mode: { pin: '2026-07-28' } } }", false],
  ])(
    'a page of an allowed origin connects, sends its token and calls tools (%s)',
    async (_, mode, hasSession) => {
      const page = await startPage(chromium);
      await using running = await runHost({ token: TOKEN, allowedOrigins: [page.origin] });
      const tools = running.bridge.source.current()?.tools.length;
      expect(await page.run(script(running.url, mode))).toEqual({ hasSession, tools, text: 'from a page' });
    },
  );

  it('a page of another origin does not', async () => {
    const page = await startPage(chromium);
    await using running = await runHost({ token: TOKEN, allowedOrigins: ['https://app.example'] });
    expect(await page.run(script(running.url, '{}'))).toEqual({ error: 'TypeError: Failed to fetch' });
  });
});
