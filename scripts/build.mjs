// Builds dist/: one module per file for the library entry, and the program bundled into dist/main.js and
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

/** Bundles only the parts of packages that the program uses: the rest costs memory and time at each start. */
const lessOfPackages = {
  name: 'less-of-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: `${root}/scripts/bundled-undici.mjs` }));
    onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({
      path: `${root}/scripts/bundled-sdk-shims.mjs`,
    }));
    onResolve({ filter: /^rate-limiter-flexible$/ }, () => ({ path: `${root}/scripts/bundled-limiter.mjs` }));
    onResolve({ filter: /^oidc-provider$/ }, () => ({ path: './part-oidc-provider.js', external: true }));
  },
};

const options = {
  absWorkingDir: root,
  outdir: 'dist',
  allowOverwrite: true,
  bundle: true,
  // Modules that are imported on demand, such as Redis, the sandbox and the questions of `init`, are separate files, so
  // that a process loads only what it runs.
  splitting: true,
  chunkNames: 'part-[name]-[hash]',
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  sourcemap: true,
  metafile: true,
  // Preserves function names in stack traces and class names in error texts. The size on disk hardly matters.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  // CommonJS packages inside an ESM bundle load Node's own modules through require.
  banner: {
    js: "import { createRequire as bundleRequire } from 'node:module';const require = bundleRequire(import.meta.url);",
  },
  // Uses the ESM builds of these packages: the CommonJS build of one loads its parts in a way that no bundler can follow,
  // that of another has no named exports when it is a separate file, and only an ESM build is bundled in part.
  alias: {
    cockatiel: 'cockatiel/dist/esm/index.js',
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
    yaml: `${root}/node_modules/yaml/browser/index.js`,
  },
  logLevel: 'warning',
};
const program = await build({ ...options, entryPoints: ['src/main.ts'], plugins: [lessOfPackages] });
// It finds its models by the names of their classes, which a bundle with other packages would change.
const provider = await build({
  ...options,
  entryPoints: { 'part-oidc-provider': 'oidc-provider' },
  splitting: false,
  keepNames: true,
});
for (const path of [program, provider].flatMap(({ metafile }) => Object.keys(metafile.outputs))) {
  // A single character outside ASCII makes V8 store the whole source with two bytes per character.
  const found = path.endsWith('.js') && /[^\0-\x7f]/.exec(readFileSync(`${root}/${path}`, 'utf8'));
  if (found)
    throw new Error(`${path} has the character ${found[0]}: write it as \\u in its regular expression.`);
}
chmodSync(`${root}/dist/main.js`, 0o755);
