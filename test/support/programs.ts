import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that tests start. Tests with the tag are skipped where they are not installed. */
export interface Programs {
  readonly tag: string;
  /** The package of Debian and Ubuntu that has them. */
  readonly package: string;
  /** Of each group, one must be on the PATH. */
  readonly needs: readonly (readonly string[])[];
}

/** Also read by `scripts/provide-programs.mjs`, which installs them. */
export const PROGRAMS = JSON.parse(
  readFileSync(new URL('programs.json', import.meta.url), 'utf8'),
) as readonly Programs[];

export function areInstalled({ needs }: Programs): boolean {
  return needs.every((names) => names.some((name) => pathOf(name) !== undefined));
}

/** Returns the path of a program; undefined if it is not on the PATH. */
export function pathOf(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
