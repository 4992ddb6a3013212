// Builds dist/: one module per file for the library entry, and the program bundled into dist/main.js, which runs
// dist/part-program.cjs, and a file for each of some packages.
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}/dist`, { recursive: true, force: true });

const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
// More than one checker repeats much of the work: on two cores, one is as fast.
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--checkers', '1'], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

/** Packages that few processes load: a file each. */
const APART = {
  // It finds its models by the names of their classes.
  'oidc-provider': { name: 'part-oidc-provider', keepNames: true },
  '@redis/client': { name: 'part-redis-client' },
  '@modelcontextprotocol/client': { name: 'part-mcp-client' },
};

/** Bundles only the parts of packages that the program uses: the rest costs memory and time at each start. */
const lessOfPackages = {
  name: 'less-of-packages',
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: `${root}/scripts/bundled-undici.mjs` }));
    onResolve({ filter: /\/client-h2\.js$/ }, () => ({ path: `${root}/scripts/bundled-undici-h2.cjs` }));
    onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, () => ({
      path: `${root}/scripts/bundled-sdk-shims.mjs`,
    }));
    onResolve({ filter: /^rate-limiter-flexible$/ }, () => ({ path: `${root}/scripts/bundled-limiter.mjs` }));
    onResolve({ filter: /./ }, ({ path }) =>
      Object.hasOwn(APART, path) ? { path: `./${APART[path].name}.cjs`, external: true } : undefined,
    );
  },
};

const options = {
  absWorkingDir: root,
  outdir: 'dist',
  allowOverwrite: true,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  metafile: true,
  // Preserves function names in stack traces and class names in error texts. The size on disk hardly matters.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  // Uses the ESM builds of these packages: the CommonJS build of one loads its parts in a way that no bundler can follow,
  // that of another has no named exports when it is a separate file, and only an ESM build is bundled in part.
  alias: {
    cockatiel: 'cockatiel/dist/esm/index.js',
    'jsonc-parser': 'jsonc-parser/lib/esm/main.js',
    yaml: `${root}/node_modules/yaml/browser/index.js`,
  },
  logLevel: 'warning',
};
/** CommonJS, because code that V8 stored cannot import ES modules on Node.js 20, nor require them before 20.19 and 22.12. */
const commonJs = {
  ...options,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'moduleUrl' },
};
const MODULE_URL = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;";

const builds = [
  await build({ ...options, entryPoints: ['src/main.ts'], format: 'esm' }),
  // One file, since each further one takes half a millisecond of a start, and one function, so that src/code-cache.ts can
  // run it. A module runs when it is first imported.
  await build({
    ...commonJs,
    entryPoints: { 'part-program': 'src/program.ts' },
    plugins: [lessOfPackages],
    banner: { js: `(function (exports, require, module, __filename, __dirname) {${MODULE_URL}` },
    footer: { js: '})' },
  }),
];
for (const [path, { name, ...more }] of Object.entries(APART)) {
  const entryPoints = { [name]: path };
  builds.push(await build({ ...commonJs, ...more, entryPoints, banner: { js: MODULE_URL } }));
}
for (const path of builds.flatMap(({ metafile }) => Object.keys(metafile.outputs))) {
  // A single character outside ASCII makes V8 store the whole source with two bytes per character.
  const found = /\.c?js$/.test(path) && /[^\0-\x7f]/.exec(readFileSync(`${root}/${path}`, 'utf8'));
  if (found)
    throw new Error(`${path} has the character ${found[0]}: write it as \\u in its regular expression.`);
}
chmodSync(`${root}/dist/main.js`, 0o755);
