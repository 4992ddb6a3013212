import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { BridgeError, systemErrorCode } from '../model/errors.ts';
import type { CatalogProblem } from '../model/ports.ts';
import type { Registry } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import { FILE_ENDING, fileNameOf } from './provider-file-name.ts';
import { FIRST_LINE } from './file-text.ts';
import { compare } from '../model/compare.ts';
import { manifestFiles } from './render.ts';

export interface WriteOptions {
  /** What could not be listed: the files of such providers stay unchanged. */
  readonly problems?: readonly CatalogProblem[];
  readonly dryRun?: boolean;
}

/** The changes of a manifest, by file name, each list in order. */
export type ManifestChanges = Awaited<ReturnType<typeof writeManifest>>;

/**
 * Updates a folder to match a registry: one file per provider, none for providers that are gone. Writes
 * all files under temporary names on the same file system, then moves each into place; if a move fails,
 * restores the previous files. Throws `usage` if the folder cannot be written.
 */
export async function writeManifest(
  dir: string,
  registry: Registry,
  providers: readonly ToolProvider[],
  { problems = [], dryRun = false }: WriteOptions = {},
) {
  const { texts, skipped } = manifestFiles(registry, providers);
  await refuseLinks(dir);
  const present = await presentFiles(dir);
  const added: string[] = [];
  const changed: string[] = [];
  const unchanged: string[] = [];
  for (const [name, text] of texts) {
    const old = present.get(name);
    if (!present.has(name)) added.push(name);
    else if (old === undefined) throw notWritable(join(dir, name), 'it is not a file');
    else (sameText(old, text) ? unchanged : changed).push(name);
  }
  const isUnlisted = unlistedFiles(problems);
  const gone = [...present.keys()].filter((name) => !texts.has(name));
  const ours = gone.filter((name) => present.get(name)?.startsWith(FIRST_LINE));
  const removed = ours.filter((name) => !isUnlisted(name));
  if (!dryRun) await replaceFiles(dir, texts, { added, changed, removed });
  const known = new Set(ours);
  return {
    added,
    changed,
    removed,
    unchanged,
    /** Unchanged, because Dify could not list their providers. */
    unlisted: ours.filter(isUnlisted),
    /** YAML files that `manifest pull` did not write; they are left as they are. */
    foreign: gone.filter((name) => !known.has(name)),
    skipped,
  };
}

/** A repository may contain links that lead out of it; neither the folder nor its parents may be one. */
async function refuseLinks(dir: string): Promise<void> {
  const path = resolve(dir);
  const inside = relative(process.cwd(), path);
  const parts = inside === '' || inside.startsWith('..') || isAbsolute(inside) ? [] : inside.split(sep);
  const folders =
    parts.length === 0 ? [path] : parts.map((_, index) => resolve(...parts.slice(0, index + 1)));
  for (const folder of folders) {
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isSymbolicLink() === true) throw notWritable(folder, 'it is a symbolic link');
    if (found?.isDirectory() === false) throw notWritable(folder, 'it is not a folder');
  }
}

/** Returns the texts of the existing YAML files; undefined for links, folders and the like. */
async function presentFiles(dir: string): Promise<Map<string, string | undefined>> {
  const present = new Map<string, string | undefined>();
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => compare(a.name, b.name))) {
      if (!entry.name.endsWith(FILE_ENDING) || entry.name.startsWith('.')) continue;
      const text = entry.isFile() ? await readFile(join(dir, entry.name), 'utf8') : undefined;
      present.set(entry.name, text);
    }
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw asNotWritable(dir, error);
  }
  return present;
}

function unlistedFiles(problems: readonly CatalogProblem[]): (name: string) => boolean {
  const files = new Set<string>();
  const types = new Set<string>();
  for (const { providerType, providerId } of problems) {
    if (providerId === undefined) types.add(providerType);
    else files.add(fileNameOf(providerType, providerId));
  }
  return (name) => files.has(name) || types.has(name.slice(0, name.indexOf('.')));
}

/** Git may have checked out the files with other line endings. */
function sameText(old: string, text: string): boolean {
  return old.replaceAll('\r\n', '\n') === text;
}

async function replaceFiles(
  dir: string,
  texts: ReadonlyMap<string, string>,
  { added, changed, removed }: Readonly<Record<'added' | 'changed' | 'removed', readonly string[]>>,
): Promise<void> {
  const written = [...added, ...changed];
  const replaced = [...changed, ...removed];
  if (written.length + replaced.length === 0) return;
  const fresh = new Set(added);
  const undo: (() => Promise<void>)[] = [];
  const stage = await makeStage(dir);
  const newPath = (name: string): string => join(stage, 'new', name);
  const oldPath = (name: string): string => join(stage, 'old', name);
  try {
    // Write everything that needs space before touching the first file.
    for (const name of written) {
      await writeFile(newPath(name), texts.get(name) ?? '', { flag: 'wx', flush: true });
    }
    for (const name of replaced) await copyFile(join(dir, name), oldPath(name));
    for (const name of written) {
      const path = join(dir, name);
      await rename(newPath(name), path);
      undo.push(() => (fresh.has(name) ? unlink(path) : rename(oldPath(name), path)));
    }
    for (const name of removed) {
      await unlink(join(dir, name));
      undo.push(() => rename(oldPath(name), join(dir, name)));
    }
  } catch (error) {
    for (const step of undo.toReversed()) {
      await step().catch((cause: unknown) => {
        throw notWritable(dir, `the previous files are in ${join(stage, 'old')}`, cause);
      });
    }
    await rm(stage, { recursive: true, force: true });
    throw asNotWritable(dir, error);
  }
  await rm(stage, { recursive: true, force: true });
}

/** The folder is inside the manifest's, so that no move leaves the file system. */
async function makeStage(dir: string): Promise<string> {
  try {
    await mkdir(dir, { recursive: true });
    const stage = await mkdtemp(join(dir, '.pull-'));
    await Promise.all([mkdir(join(stage, 'new')), mkdir(join(stage, 'old'))]);
    return stage;
  } catch (error) {
    throw asNotWritable(dir, error);
  }
}

function asNotWritable(path: string, error: unknown): BridgeError {
  return notWritable(path, systemErrorCode(error), error);
}

function notWritable(path: string, reason: string, cause?: unknown): BridgeError {
  return new BridgeError('usage', `The manifest cannot be written to ${path}: ${reason}.`, {
    hint: 'Name another folder with --dir.',
    cause,
  });
}
