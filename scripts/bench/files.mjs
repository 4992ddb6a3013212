// Sends a large file into a workflow and back, and measures the memory that the bridge uses meanwhile.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connectStdio } from './clients.mjs';
import { memoryOf, startSandbox, startServer } from './processes.mjs';

/** Returns the milliseconds for both ways, and by how many bytes the peak memory exceeds that at rest. */
export async function benchFile(bytes) {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-bench-'));
  const sandbox = await startSandbox();
  const server = startServer('bridge', 'stdio', sandbox.url, {
    gauge: false,
    env: {
      ...sandbox.env,
      DIFY_BRIDGE_FILES_DIR: join(folder, 'kept'),
      DIFY_BRIDGE_FILES_ALLOWED_PATHS: folder,
    },
  });
  try {
    const path = join(folder, 'file.bin');
    await pipeline(Readable.from(noise(bytes)), createWriteStream(path));
    const client = await connectStdio(server);
    await client.send('tools/list', {});
    const call = async (name) => {
      const answer = await client.send('tools/call', {
        name: 'workflow__echo_file',
        arguments: { file: { path: name } },
      });
      const kept = /dify-file:\S+ or (\/[^\s"\\]+)/.exec(answer)?.[1];
      if (kept === undefined) throw new Error(`No file came back: ${answer.slice(0, 400)}`);
      return kept;
    };
    const idle = memoryOf(server.child.pid).now;
    const startedAt = performance.now();
    const kept = await call(path);
    const ms = performance.now() - startedAt;
    const { peak } = memoryOf(server.child.pid);
    if ((await digest(kept)) !== (await digest(path))) throw new Error('Other bytes came back.');
    return { bytes, ms, idleBytes: idle, aboveIdleBytes: peak - idle };
  } finally {
    await server.stop();
    await sandbox.stop();
    rmSync(folder, { recursive: true });
  }
}

function* noise(bytes) {
  const piece = randomBytes(1_000_000);
  for (let left = bytes; left > 0; left -= piece.length) yield piece.subarray(0, left);
}

async function digest(path) {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
}
