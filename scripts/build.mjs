// Builds dist/: one module a file for the library entry, and the program bundled into dist/main.js with its
// dist/part-*.js.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
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

/** The program carries no more of undici than it uses: the rest costs memory and time at each start. */
const lessOfUndici = {
  name: 'less-of-undici',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: `${root}/scripts/bundled-undici.mjs` }));
  },
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  allowOverwrite: true,
  bundle: true,
  // What is imported where it is used, such as Redis, the sandbox and the questions of `init`, is a file of its own,
  // so that a process holds no more of the program than it runs.
  splitting: true,
  chunkNames: 'part-[name]-[hash]',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  metafile: true,
  // Names of functions in stack traces and class names in error texts stay; the size hardly matters on disk.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  // CommonJS packages inside an ESM bundle ask for Node's own modules through require.
  banner: {
    js: "import { createRequire as bundleRequire } from 'node:module';const require = bundleRequire(import.meta.url);",
  },
  // Not their forms for require: one asks for its own parts in a way that no bundler sees, the other has no named exports
  // where it is imported as a part.
  alias: {
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
    yaml: `${root}/node_modules/yaml/browser/index.js`,
  },
  plugins: [lessOfUndici],
  logLevel: 'warning',
});
for (const path of Object.keys(metafile.outputs)) {
  // One other character, and V8 holds the whole text with two bytes for each.
  const found = path.endsWith('.js') && /[^\0-\x7f]/.exec(readFileSync(`${root}/${path}`, 'utf8'));
  if (found)
    throw new Error(`${path} has the character ${found[0]}: write it as \\u in its regular expression.`);
}
chmodSync(`${root}/dist/main.js`, 0o755);
