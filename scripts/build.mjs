// Builds dist/: one module a file for the library entry, and the program bundled into dist/main.js.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

/** The program carries no more of its packages than it uses: the rest costs memory and time at each start. */
const lessOfPackages = {
  name: 'less-of-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: `${root}/scripts/bundled-undici.mjs` }));
    onResolve({ filter: /^@redis\/client$/ }, () => ({ path: `${root}/scripts/bundled-redis.mjs` }));
  },
};

const common = {
  absWorkingDir: root,
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  // Names of functions in stack traces and class names in error texts stay; the size hardly matters on disk.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  // CommonJS packages inside an ESM bundle ask for Node's own modules through require.
  banner: {
    js: "import { createRequire as bundleRequire } from 'node:module';const require = bundleRequire(import.meta.url);",
  },
  logLevel: 'warning',
};

await build({
  ...common,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.js',
  external: ['./redis-client.js'],
  // Its other form asks for its own parts in a way that no bundler sees.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  plugins: [lessOfPackages],
});
await build({
  ...common,
  stdin: {
    contents: "export { createClient, ErrorReply, RESP_TYPES } from '@redis/client';",
    resolveDir: root,
  },
  outfile: 'dist/redis-client.js',
});
chmodSync(`${root}/dist/main.js`, 0o755);
