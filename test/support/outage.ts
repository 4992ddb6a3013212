import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server that can be cut: connections are then refused, as when the server is down. */
export interface Outage extends AsyncDisposable {
  readonly url: string;
  down(): Promise<void>;
  up(): Promise<void>;
}

/** Begins cut. */
export async function startOutage(target: string): Promise<Outage> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    for (const end of [socket, onward]) {
      sockets.add(end);
      end.on('error', () => undefined);
      end.on('close', () => sockets.delete(end));
    }
    socket.on('close', () => onward.destroy());
    onward.on('close', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  const listen = async (at: number): Promise<void> => {
    server.listen(at, '127.0.0.1');
    await once(server, 'listening');
  };
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  await listen(0);
  const address = server.address() as AddressInfo;
  await down();
  return {
    url: `http://127.0.0.1:${address.port}`,
    down,
    up: () => listen(address.port),
    [Symbol.asyncDispose]: down,
  };
}
