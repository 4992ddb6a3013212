// Writes the version of package.json to every other file that contains it. `npm run version` runs it after changesets.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

/** The places of the version. Each pattern has it between its two groups, and must match the given number of times. */
const PLACES = [
  ['package-lock.json', /^( {2}"version": ")[^"]+(")/m, 1],
  ['package-lock.json', /("": \{\s+"name": "dify-mcp-bridge",\s+"version": ")[^"]+(")/, 1],
  ['manifests/mcpb/manifest.json', /^( {2}"version": ")[^"]+(")/m, 1],
  ['manifests/registry/server.json', /("version": ")[^"]+(")/g, 2],
  ['manifests/docker/Dockerfile', /(org\.opencontainers\.image\.version=")[^"]+(")/, 1],
  ['manifests/docker/compose.mcp.yaml', /(image: \S+\/dify-mcp-bridge:)\S+()/, 1],
  ['docs/installation.md', /(dify-mcp-bridge[-:])\d+\.\d+\.\d+(?:-[\w.]+?)?(\.mcpb|\.tgz|[ \n])/g, 7],
  ['manifests/kubernetes/base/deployment.yaml', /(image: \S+\/dify-mcp-bridge:)\S+()/, 1],
];

for (const [path, pattern, times] of PLACES) {
  const text = readFileSync(root + path, 'utf8');
  let found = 0;
  const synced = text.replace(pattern, (_all, before, after) => {
    found += 1;
    return before + version + after;
  });
  if (found !== times) throw new Error(`${path} names the version ${found} times instead of ${times}.`);
  if (synced !== text) writeFileSync(root + path, synced);
}
console.log(
  `Everything is at ${version}. Run "npm run check:manifests -- --write" for the rendered manifests.`,
);
