import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };

/** Every file that names the version, and how often. */
const FILES: Readonly<Record<string, number>> = {
  'manifests/mcpb/manifest.json': 1,
  'manifests/registry/server.json': 2,
  'manifests/docker/Dockerfile': 1,
  'manifests/docker/compose.mcp.yaml': 1,
  'manifests/kubernetes/base/deployment.yaml': 1,
  'docs/installation.md': 7,
};
const SCRIPT = 'scripts/sync-version.mjs';

const occurrences = (text: string, part: string): number => text.split(part).length - 1;

describe('the version', () => {
  it('is the one of package.json everywhere', () => {
    const found = Object.keys(FILES).map((path) => [
      path,
      occurrences(readFileSync(join(ROOT, path), 'utf8'), version),
    ]);
    expect(Object.fromEntries(found)).toEqual(FILES);
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      version: string;
      packages: Record<string, { version: string }>;
    };
    expect([lock.version, lock.packages['']?.version]).toEqual([version, version]);
    expect(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')).toContain(`## ${version}\n`);
  });

  describe('of the next release', () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-test-'));
      for (const path of [...Object.keys(FILES), 'package.json', 'package-lock.json', SCRIPT]) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        cpSync(join(ROOT, path), join(folder, path));
      }
    });
    afterAll(() => rmSync(folder, { recursive: true }));
    const sync = () =>
      execFileSync(process.execPath, [join(folder, SCRIPT)], { encoding: 'utf8', stdio: 'pipe' });

    it('comes to all of them by npm run version', () => {
      const next = '7.8.9-beta.1';
      const about = readFileSync(join(folder, 'package.json'), 'utf8');
      writeFileSync(
        join(folder, 'package.json'),
        about.replace(`"version": "${version}"`, `"version": "${next}"`),
      );
      expect(sync()).toContain(next);
      for (const [path, count] of Object.entries({ ...FILES, 'package-lock.json': 2 })) {
        expect({ path, count: occurrences(readFileSync(join(folder, path), 'utf8'), next) }).toEqual({
          path,
          count,
        });
      }
    });

    it('does not come half: a place that is gone is an error', () => {
      writeFileSync(join(folder, 'manifests/docker/Dockerfile'), 'FROM scratch\n');
      expect(sync).toThrow('Dockerfile names the version 0 times instead of 1');
    });
  });
});
