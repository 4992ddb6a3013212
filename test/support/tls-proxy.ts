import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, fetch as fetchWith, type RequestInit } from 'undici';
import { ROOT } from './program.ts';

/** The name in the examples of manifests/proxy. */
const NAME = 'mcp.example.com';

/** A proxy as in manifests/proxy, on a port of loopback and with a certificate of its own. */
export interface TlsProxy extends AsyncDisposable {
  /** Sends requests to the name in the certificate, wherever that leads elsewhere, and trusts the certificate. */
  readonly fetch: typeof fetch;
}

export type ProxyKind = 'nginx' | 'caddy';

/** The address of a proxy on a port. */
export function proxyUrl(port: number): string {
  return `https://${NAME}:${port}`;
}

/** Starts a proxy in front of a bridge. `bridge` is its port. */
export async function startTlsProxy(kind: ProxyKind, port: number, bridge: number): Promise<TlsProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-proxy-'));
  const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const subject = ['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
  const child = { nginx, caddy }[kind](folder, { port, bridge, key, certificate });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await answers(port, child).catch(() => {
    throw new Error(`${kind} does not start: ${errors}`);
  });

  const lookup = (_name: string, _options: unknown, found: (error: null, addresses: unknown) => void): void =>
    found(null, [{ address: '127.0.0.1', family: 4 }]);
  const dispatcher = new Agent({ connect: { ca: readFileSync(certificate), lookup: lookup as never } });
  const fetch = (url: string | URL, init?: RequestInit) => fetchWith(url, { ...init, dispatcher });
  return {
    fetch: fetch as never,
    async [Symbol.asyncDispose]() {
      await dispatcher.destroy();
      if (child.exitCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly port: number;
  readonly bridge: number;
  readonly key: string;
  readonly certificate: string;
}

function nginx(folder: string, { port, bridge, key, certificate }: Place): ChildProcess {
  const server = changed('manifests/proxy/nginx.conf', [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    [`/etc/nginx/tls/${NAME}.crt`, certificate],
    [`/etc/nginx/tls/${NAME}.key`, key],
    ['http://127.0.0.1:8080', `http://127.0.0.1:${bridge}`],
  ]);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
  const main = `daemon off; pid ${folder}/pid; events {} http { access_log off; ${paths}\n${server} }`;
  writeFileSync(join(folder, 'main.conf'), main);
  const args = ['-e', 'stderr', '-p', folder, '-c', join(folder, 'main.conf')];
  return spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function caddy(folder: string, { port, bridge, key, certificate }: Place): ChildProcess {
  const site = changed('manifests/proxy/Caddyfile', [
    ['# tls /etc/caddy/tls/mcp.crt /etc/caddy/tls/mcp.key', `tls ${certificate} ${key}`],
  ]);
  // Other tests run at the same time, and nothing listens on port 80.
  writeFileSync(join(folder, 'Caddyfile'), `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${site}`);
  return spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: folder, MCP_DOMAIN: `${NAME}:${port}`, MCP_UPSTREAM: `127.0.0.1:${bridge}` },
  });
}

/** An example with what a reader changes in it. */
function changed(path: string, places: readonly (readonly [from: string, to: string])[]): string {
  return places.reduce(
    (text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${path} has no ${from}.`);
      return text.replace(from, to);
    },
    readFileSync(join(ROOT, path), 'utf8'),
  );
}

/** Resolves when something listens. A port cannot be awaited but by trying. */
async function answers(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 400 && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await pause(25);
  }
  throw new Error('It does not listen.');
}
