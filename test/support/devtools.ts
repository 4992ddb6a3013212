import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { chromiumPath } from './chromium.ts';

/** A page that a test opened in Chromium and looks into. */
export interface OpenedPage {
  /** The addresses that the page requested, and what its console says, such as violations of its policy. */
  readonly requests: readonly string[];
  readonly complaints: readonly string[];
  /** Resolves with the value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Opens an address in a window of this width, in a Chromium that ends with the test. Resolves when it has loaded. */
export async function openPage(
  url: string,
  width: number,
  headers: Record<string, string> = {},
): Promise<OpenedPage> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const options = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--remote-debugging-pipe',
  ];
  const browser = spawn(chromiumPath(), [...options, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void browser.kill('SIGKILL'));
  const [, , , toBrowser, fromBrowser] = browser.stdio as unknown as [null, null, null, Writable, Readable];

  const waiting = new Map<
    number,
    { resolve(value: Record<string, unknown>): void; reject(error: Error): void }
  >();
  const listeners = new Set<(message: Message) => void>();
  let arrived = '';
  fromBrowser.setEncoding('utf8').on('data', (text: string) => {
    const parts = (arrived + text).split('\0');
    arrived = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as Message;
      for (const listener of listeners) listener(message);
      const sent = waiting.get(message.id ?? 0);
      if (message.error === undefined) sent?.resolve(message.result ?? {});
      else sent?.reject(new Error(message.error.message));
    }
  });
  let last = 0;
  let sessionId: unknown;
  const send = (method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> =>
    new Promise((resolve, reject) => {
      const id = (last += 1);
      waiting.set(id, { resolve, reject });
      toBrowser.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  const event = (name: string): Promise<void> =>
    new Promise((resolve) => {
      const listener = ({ method }: Message): void => {
        if (method !== name) return;
        listeners.delete(listener);
        resolve();
      };
      listeners.add(listener);
    });

  const requests: string[] = [];
  const complaints: string[] = [];
  listeners.add(({ method, params = {} }) => {
    if (method === 'Network.requestWillBeSent') requests.push((params['request'] as { url: string }).url);
    if (method === 'Log.entryAdded') complaints.push((params['entry'] as { text: string }).text);
    if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(params));
  });
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
  ({ sessionId } = await send('Target.attachToTarget', { targetId, flatten: true }));
  for (const domain of ['Page', 'Network', 'Log', 'Runtime']) await send(`${domain}.enable`);
  await send('Network.setExtraHTTPHeaders', { headers });
  const size = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
  await send('Emulation.setDeviceMetricsOverride', size);
  const loaded = event('Page.loadEventFired');
  await send('Page.navigate', { url });
  await loaded;
  return {
    requests,
    complaints,
    async evaluate(expression) {
      const { result } = await send('Runtime.evaluate', { expression, returnByValue: true });
      return (result as { value?: unknown }).value;
    },
  };
}
