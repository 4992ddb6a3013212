// A TCP relay in front of a server, which can refuse, cut and hold connections as a broken network does.
import { createServer, connect } from 'node:net';
import { once } from 'node:events';

export async function startFront(port) {
  const pairs = new Set();
  let mode = 'up';
  const server = createServer((near) => {
    near.on('error', () => near.destroy());
    if (mode === 'down') {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    const pair = { near, far };
    pairs.add(pair);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => {
      near.destroy();
      pairs.delete(pair);
    });
    if (mode === 'up') {
      near.pipe(far);
      far.pipe(near);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const end = () => {
    for (const { near, far } of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    port: server.address().port,
    /** `up`; `down`: refuses and cuts connections; `held`: accepts connections and never answers. */
    set(next) {
      mode = next;
      end();
    },
    close() {
      server.close();
      end();
    },
  };
}
