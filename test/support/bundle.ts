import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');

export interface Bundle extends AsyncDisposable {
  /** A script that this Node can run. */
  readonly path: string;
}

/** Bundles a TypeScript program, since the oldest Node that is supported runs none. Packages stay outside. */
export async function bundle(entry: string): Promise<Bundle> {
  // Inside the checkout, so that Node finds the packages from there.
  const cache = join(ROOT, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'test-'));
  const path = join(folder, 'program.mjs');
  await build({
    entryPoints: [join(ROOT, entry)],
    outfile: path,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'error',
  });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
