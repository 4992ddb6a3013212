// Renders the Kubernetes overlays with kubectl, also with one as old as Debian's.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments, stringify } from 'yaml';

const FOLDER = fileURLToPath(new URL('../manifests/kubernetes', import.meta.url));

/** The folders in manifests/kubernetes/overlays. */
export const OVERLAYS = ['single', 'replicated'];

/** Returns the SHA-256 over all source files of an overlay. */
export function fingerprint(overlay) {
  const hash = createHash('sha256');
  for (const folder of ['base', `overlays/${overlay}`]) {
    for (const file of readdirSync(join(FOLDER, folder)).sort()) {
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(FOLDER, folder, file)));
    }
  }
  return hash.digest('hex');
}

/**
 * Returns the objects of an overlay as one YAML text, in the same order for every release of kubectl. With `everything`,
 * also those that are comments in its kustomization.yaml.
 */
export function render(overlay, { everything = false } = {}) {
  const copy = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-kustomize-'));
  try {
    cpSync(FOLDER, copy, { recursive: true });
    const path = join(copy, 'overlays', overlay, 'kustomization.yaml');
    if (everything) writeFileSync(path, readFileSync(path, 'utf8').replaceAll('#- ', '- '));
    if (isOld()) downgrade(path);
    const text = execFileSync('kubectl', ['kustomize', join(copy, 'overlays', overlay)], {
      encoding: 'utf8',
    });
    return normalized(text);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The Kustomize in kubectl before 1.21 accepts folders only as `bases`, and patches only as file names. */
function isOld() {
  const text = execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' });
  const { major, minor } = JSON.parse(text).clientVersion;
  return Number(major) === 1 && Number.parseInt(minor, 10) < 21;
}

function downgrade(path) {
  const { resources, patches, ...rest } = parse(readFileSync(path, 'utf8'));
  const isFolder = (name) => !name.endsWith('.yaml');
  const old = {
    ...rest,
    bases: resources.filter(isFolder),
    resources: resources.filter((name) => !isFolder(name)),
    patchesStrategicMerge: patches.map((patch) => patch.path),
  };
  writeFileSync(path, stringify(old));
}

/** Sorts objects and keys, and removes empty labels and the hash that each release computes differently. */
function normalized(text) {
  const objects = parseAllDocuments(text).map((document) => document.toJS());
  for (const { metadata } of objects) {
    for (const name of ['annotations', 'labels']) {
      if (Object.keys(metadata[name] ?? {}).length === 0) delete metadata[name];
    }
  }
  const hashed = objects
    .filter(({ kind }) => kind === 'ConfigMap')
    .map(({ metadata }) => [metadata.name, metadata.name.replace(/-[a-z0-9]{10}$/, '')]);
  const plain = (value) => {
    if (typeof value === 'string') return hashed.find(([name]) => name === value)?.[1] ?? value;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, part]) => [key, plain(part)]));
  };
  return objects
    .map(plain)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .map((object) => stringify(object))
    .join('---\n');
}

function rank({ kind, metadata }) {
  return `${kind} ${metadata.name}`;
}
