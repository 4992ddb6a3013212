import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';
import { pathOf, PROGRAMS } from './programs.ts';

/** A page on an origin of its own, which is not loopback by its name, and which Chromium leads to loopback. */
export interface Page {
  readonly origin: string;
  /** Opens the page in Chromium with this module, and resolves with the JSON that its `report` was called with. */
  run(source: string): Promise<unknown>;
}

/** Starts the server of a page. Both it and Chromium end with the test. */
export async function startPage(): Promise<Page> {
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
      const browser = startChromium(origin);
      const gone = once(browser, 'exit').then(() => {
        throw new Error('Chromium ended without a report of the page.');
      });
      const result = await Promise.race([reported, gone]);
      gone.catch(() => undefined);
      browser.kill('SIGKILL');
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

/** Starts Chromium with these options. Ends with the test. */
export function startChromium(url: string, ...further: readonly string[]): ChildProcess {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', ...further];
  const browser = spawn(chromiumPath(), [...options, `--user-data-dir=${profile}`, url], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void browser.kill('SIGKILL'));
  return browser;
}

/** Returns the path of Chromium. Throws if there is none. */
export function chromiumPath(): string {
  const names = PROGRAMS.find(({ tag }) => tag === 'browser')?.needs.flat() ?? [];
  const path = names.map(pathOf).find((found) => found !== undefined);
  if (path === undefined) throw new Error(`This test needs one of ${names.join(', ')} in the PATH.`);
  return path;
}
