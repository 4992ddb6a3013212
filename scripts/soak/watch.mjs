// Samples what the bridges hold, and decides whether it stayed flat.
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { median } from '../bench/measure.mjs';

/** What may grow from the first to the last third of a soak: by a share, and by an amount. */
const LIMITS = {
  heapBytes: [0.15, 8 * 1024 ** 2],
  rssBytes: [0.25, 32 * 1024 ** 2],
  handles: [0.2, 16],
  descriptors: [0.2, 16],
  sockets: [0.2, 16],
  storedFiles: [0.2, 64],
};

export async function sample({ bridges, files }) {
  const taken = {};
  for (const [name, child] of Object.entries(bridges)) {
    if (child.exitCode !== null) throw new Error(`The ${name} bridge has ended.`);
    child.send('sample');
    const [{ heapBytes, handles }] = await once(child, 'message');
    const links = readdirSync(`/proc/${child.pid}/fd`).map((fd) => linkOf(child.pid, fd));
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
    taken[name] = {
      heapBytes,
      rssBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024,
      handles,
      descriptors: links.length,
      sockets: links.filter((link) => link.startsWith('socket:')).length,
      storedFiles: name === 'stdio' ? countFiles(files) : 0,
    };
  }
  return taken;
}

function linkOf(pid, fd) {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return '';
  }
}

function countFiles(folder) {
  try {
    return readdirSync(folder, { recursive: true }).length;
  } catch {
    return 0;
  }
}

/** Returns a row for each figure: its median in the first and in the last third, and whether it grew too far. */
export function verdict(samples) {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const [first, last] = [samples.slice(0, third), samples.slice(-third)];
  return Object.keys(samples[0]).flatMap((bridge) =>
    Object.entries(LIMITS).map(([figure, [share, amount]]) => {
      const at = (part) => median(part.map((taken) => taken[bridge][figure]));
      const [before, after] = [at(first), at(last)];
      return { bridge, figure, before, after, grew: after > before * (1 + share) + amount };
    }),
  );
}
