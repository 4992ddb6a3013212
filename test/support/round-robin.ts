import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A plain nginx that sends each request to the next server, whoever sent it. */
export interface RoundRobin extends AsyncDisposable {
  readonly url: string;
}

/** The header in which nginx names the server that answered; several ones if it tried another first. */
export const ANSWERED_BY = 'x-upstream';

/** Starts nginx on loopback, in front of servers on these ports. */
export async function startRoundRobin(port: number, servers: readonly number[]): Promise<RoundRobin> {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-round-robin-'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const config = `
daemon off; pid ${folder}/pid; worker_processes 1; worker_rlimit_nofile 65536;
events { worker_connections 16384; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  upstream bridges {
    ${servers.map((server) => `server 127.0.0.1:${server} fail_timeout=1s;`).join('\n    ')}
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bridges;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
      proxy_read_timeout 30m;
      add_header ${ANSWERED_BY} $upstream_addr always;
    }
  }
}`;
  writeFileSync(join(folder, 'main.conf'), config);
  const args = ['-e', 'stderr', '-p', folder, '-c', join(folder, 'main.conf')];
  const child = spawn('nginx', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  for (let attempt = 0; ; attempt += 1) {
    if (child.exitCode !== null || attempt > 400) throw new Error(`nginx does not start: ${errors}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) break;
    await pause(25);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
