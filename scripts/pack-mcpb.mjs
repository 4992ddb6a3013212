// Packs the built program as a bundle for Claude Desktop: dist/dify-mcp-bridge-VERSION.mcpb and its SHA-256.
// `npm run pack:mcpb` builds first. Option: --out DIR.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packExtension } from '@anthropic-ai/mcpb';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist') } } });
const program = join(root, 'dist/main.js');
if (!existsSync(program)) throw new Error('dist/main.js is missing: run `npm run build` first.');

const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const target = resolve(options.out, `${name}-${version}.mcpb`);
const stage = mkdtempSync(join(tmpdir(), `${name}-mcpb-`));
try {
  cpSync(join(root, 'manifests/mcpb'), stage, { recursive: true });
  mkdirSync(join(stage, 'server'));
  const ofProgram = /^(main\.js|part-.+\.cjs)(\.LEGAL\.txt)?$/;
  for (const file of readdirSync(join(root, 'dist')).filter((name) => ofProgram.test(name))) {
    cpSync(join(root, 'dist', file), join(stage, 'server', file));
  }
  cpSync(join(root, 'LICENSE'), join(stage, 'LICENSE'));
  // The program reads its version from this file, and Node reads that it is an ES module.
  const about = { name, version, license, private: true, type: 'module' };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(about, null, 2)}\n`);

  // The packer itself reports what is wrong with a manifest.
  if (!(await packExtension({ extensionPath: stage, outputPath: target, silent: true }))) process.exit(1);
  const hash = createHash('sha256').update(readFileSync(target)).digest('hex');
  writeFileSync(`${target}.sha256`, `${hash}  ${basename(target)}\n`);
  console.log(`${target}\nSHA-256 ${hash}`);
} finally {
  rmSync(stage, { recursive: true, force: true });
}
