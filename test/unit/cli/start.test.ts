import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../../src/', import.meta.url));

/** Packages that a source file loads at once, itself and through what it imports. */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  const statements = /^(?:import|export) (?:([^;'"=]*?) from )?'([^']+)'/gm;
  for (const [, clause = '', from = ''] of readFileSync(file, 'utf8').matchAll(statements)) {
    // Types, and lists of nothing but types, are gone when the program runs.
    const names = /^\{([^]*)\}$/
      .exec(clause)?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    if (clause.startsWith('type ') || names?.every((name) => name.trim().startsWith('type '))) continue;
    if (from.startsWith('.')) {
      for (const name of packagesOf(resolve(dirname(file), from), seen)) packages.add(name);
    } else if (!from.startsWith('node:')) packages.add(from);
  }
  return packages;
}

it('loads neither the protocol nor the checking of the configuration for help and version', () => {
  const seen = new Set<string>();
  // main.ts imports the other two at once, but not by a statement.
  const files = ['main.ts', 'cli/io.ts', 'cli/program.ts'];
  const loaded = files.flatMap((file) => [...packagesOf(resolve(SOURCE, file), seen)]);
  expect(loaded).toEqual(['commander', 'fast-string-width', 'fast-wrap-ansi']);
  expect(seen.size).toBeGreaterThan(5);
});

it('would notice what a command loads', () => {
  expect([...packagesOf(resolve(SOURCE, 'cli/commands/doctor.ts'))]).toContain('undici');
  expect([...packagesOf(resolve(SOURCE, 'config/load.ts'))]).toEqual(['zod']);
});
