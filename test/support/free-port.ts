import { once } from 'node:events';
import { createServer } from 'node:net';

// Below those that systems give out by themselves, so that nobody is given the port before the test listens there.
const FIRST = 10_000;
const COUNT = 20_000;
/** Each process of a run begins elsewhere. */
let next = (process.pid * 97) % COUNT;

/** Returns a port of loopback that nobody listens on, and that no test is given again for a long time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + next;
    next = (next + 1) % COUNT;
    const server = createServer();
    server.listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
