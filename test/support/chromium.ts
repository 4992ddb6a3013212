import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { pathOf, PROGRAMS } from './programs.ts';

/** A page on an origin of its own, which is not loopback by its name, and which Chromium leads to loopback. */
export interface Page {
  readonly origin: string;
  /** Opens the page in Chromium with this module, and resolves with the JSON that its `report` was called with. */
  run(source: string): Promise<unknown>;
}

/** What Chromium sends: an event, or the answer to a command. */
export interface DevToolsMessage {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** A tab, without cookies or a cache from other tabs. It closes with the test. */
export interface Tab {
  readonly send: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>;
  /** Calls back with each message of the tab until the function that it returns is called. */
  readonly listen: (listener: (message: DevToolsMessage) => void) => () => void;
  /** Resolves when Chromium has ended. */
  readonly gone: Promise<unknown>;
}

export interface Chromium {
  tab(): Promise<Tab>;
}

/** Starts the server of a page. It ends with the test. */
export async function startPage(chromium: Chromium): Promise<Page> {
  let script = '';
  let report: (value: unknown) => void = () => undefined;
  const server = createServer((req, res) => {
    if (req.method === 'POST') {
      void text(req).then((body) => {
        res.end();
        report(JSON.parse(body));
      });
    } else if (req.url === '/script.js') {
      res.writeHead(200, { 'Content-Type': 'text/javascript' }).end(script);
    } else {
      res.writeHead(200, { 'Content-Type': 'text/html' });
      res.end('<!doctype html><script type="module" src="/script.js"></script>');
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://app.localhost:${(server.address() as AddressInfo).port}`;

  return {
    origin,
    async run(source) {
      script = await bundle(source);
      const reported = new Promise((resolve) => (report = resolve));
      const tab = await chromium.tab();
      const gone = tab.gone.then(() => {
        throw new Error('Chromium ended without a report of the page.');
      });
      await tab.send('Page.navigate', { url: origin });
      const result = await Promise.race([reported, gone]);
      gone.catch(() => undefined);
      return result;
    },
  };
}

/** `report` is there for the page, and gets what is thrown as well. */
async function bundle(source: string): Promise<string> {
  const contents = `
    const report = (value) => fetch('/report', { method: 'POST', body: JSON.stringify(value) });
    ${source}`;
  const built = await build({
    stdin: { contents, resolveDir: process.cwd(), loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'silent',
  });
  return built.outputFiles[0]?.text ?? '';
}

/**
 * Returns a Chromium for all tests of a `describe`: it starts before the first of them and ends after the last, because a
 * start takes longer than most pages.
 */
export function sharedChromium(): Chromium {
  let browser: DevTools | undefined;
  beforeAll(() => {
    browser = startChromium();
  });
  afterAll(async () => {
    browser?.process.kill('SIGKILL');
    await browser?.gone;
  });
  return {
    async tab() {
      if (browser === undefined) throw new Error('Chromium starts before the first test.');
      const { send, listeners } = browser;
      const { browserContextId } = await send('Target.createBrowserContext');
      onTestFinished(async () => void (await send('Target.disposeBrowserContext', { browserContextId })));
      const { targetId } = await send('Target.createTarget', { url: 'about:blank', browserContextId });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      return {
        send: (method, params) => send(method, params, sessionId as string),
        listen(listener) {
          const ofTab = (message: DevToolsMessage): void => {
            if (message.sessionId === sessionId) listener(message);
          };
          listeners.add(ofTab);
          return () => void listeners.delete(ofTab);
        },
        gone: browser.gone,
      };
    },
  };
}

interface DevTools {
  readonly process: ChildProcess;
  readonly listeners: Set<(message: DevToolsMessage) => void>;
  readonly gone: Promise<unknown>;
  readonly send: (
    method: string,
    params?: object,
    sessionId?: string,
  ) => Promise<Readonly<Record<string, unknown>>>;
}

function startChromium(): DevTools {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run'];
  const own = ['--remote-debugging-pipe', `--user-data-dir=${profile}`];
  const browser = spawn(chromiumPath(), [...options, ...own], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const [, , , input, output] = browser.stdio as unknown as [null, null, null, Writable, Readable];
  const listeners = new Set<(message: DevToolsMessage) => void>();
  let rest = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      const message = JSON.parse(part) as DevToolsMessage;
      for (const listener of listeners) listener(message);
    }
  });
  // Chromium closes its pipe when it is killed.
  input.on('error', () => undefined);
  let last = 0;
  return {
    process: browser,
    listeners,
    gone: once(browser, 'exit'),
    send(method, params = {}, sessionId) {
      const id = (last += 1);
      const answered = new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
        const listener = (message: DevToolsMessage): void => {
          if (message.id !== id) return;
          listeners.delete(listener);
          if (message.error === undefined) resolve(message.result ?? {});
          else reject(new Error(message.error.message));
        };
        listeners.add(listener);
      });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return answered;
    },
  };
}

/** Returns the path of Chromium. Throws if there is none. */
export function chromiumPath(): string {
  const names = PROGRAMS.find(({ tag }) => tag === 'browser')?.needs.flat() ?? [];
  const path = names.map(pathOf).find((found) => found !== undefined);
  if (path === undefined) throw new Error(`This test needs one of ${names.join(', ')} in the PATH.`);
  return path;
}
