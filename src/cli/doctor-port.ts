import { once } from 'node:events';
import { createServer } from 'node:net';
import { systemErrorCode } from '../model/errors.ts';
import type { Config } from '../config/schema.ts';
import { createDifyHttp } from '../dify/wire/http.ts';
import { urlHost } from '../http/address.ts';
import { isJsonObject } from '../model/json.ts';
import { type Finding, pass, skip, warn } from './doctor-checks.ts';

const ASK_MS = 2000;
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user lacks permission',
  EADDRNOTAVAIL: 'it is not an address of this machine',
};

/** Returns whether `serve --http` could listen. A bridge that already serves there passes. */
export async function portFinding(
  { host, port }: Pick<Config['http'], 'host' | 'port'>,
  signal: AbortSignal,
): Promise<Finding> {
  if (port === 0) return skip('serve --http takes any free port.');
  const place = `${urlHost(host)}:${port}`;
  const code = await listenCode(host, port);
  if (code === undefined) return pass(`serve --http can listen at ${place}.`);
  if (code === 'EADDRINUSE') {
    if (await isBridge(`http://${place}`, signal)) {
      return pass(`A bridge is already serving at ${place}.`);
    }
    return warn(
      `Another program is listening at ${place}: serve --http cannot start there.`,
      'Choose another port with http.port (DIFY_BRIDGE_PORT, --port), or stop that program.',
    );
  }
  return warn(
    `serve --http cannot listen at ${place}: ${REASONS[code] ?? code}.`,
    'Choose another address with http.host and http.port.',
  );
}

/** Returns the code of the error that prevents listening; undefined if listening works. */
async function listenCode(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return undefined;
  } catch (error) {
    return systemErrorCode(error);
  }
}

async function isBridge(url: string, signal: AbortSignal): Promise<boolean> {
  const http = createDifyHttp({ baseUrl: url });
  try {
    const answer = await http.send({ method: 'GET', path: '/livez', signal, timeoutMs: ASK_MS });
    const body = answer.status === 200 ? await answer.json() : undefined;
    return isJsonObject(body) && body['status'] === 'ok';
  } catch {
    return false;
  } finally {
    await http.close();
  }
}
