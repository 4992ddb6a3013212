import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';
import { readYaml, type YamlFile } from '../config/yaml-file.ts';
import { BridgeError, type Problem, systemErrorCode } from '../model/errors.ts';
import { writeJson } from '../model/well-formed.ts';
import { plain, providerOf } from './declaration.ts';
import { FILE_ENDING, fileNameOf } from './provider-file-name.ts';
import { type ManifestFile, manifestFile } from './file-schema.ts';
import { compare } from '../model/compare.ts';
import { MAX_FILE_BYTES } from './render.ts';
import { sourceHash, toolHash } from './hash.ts';
import { visibleLine } from '../model/invisible-characters.ts';
import type { ApprovedTool, Manifest } from './manifest.ts';

const MAX_FILES = 5000;
const MAX_ALL_BYTES = 128 * 1024 * 1024;
const MAX_PROBLEMS = 50;
const MIB = 1024 * 1024;

interface ReadFile {
  readonly path: string;
  readonly content: ManifestFile;
  readonly lineOf: YamlFile['lineOf'];
}

/**
 * Reads the approved tools of a folder: every file that ends in `.yaml`, except folders and hidden files.
 * Throws `config_invalid` with every problem by file and line: violations of the layout, and hashes that
 * do not match because someone edited a file by hand.
 */
export async function readManifest(dir: string): Promise<Manifest> {
  const problems: Problem[] = [];
  const report = (path: string, line: number, at: string, message: string): void => {
    problems.push({ path: visibleLine(`${path}:${line} ${at}`.trimEnd()), message: visibleLine(message) });
  };
  const files: ReadFile[] = [];
  let bytes = 0;
  for (const name of await manifestNames(dir)) {
    const path = join(dir, name);
    const reading = await readText(path);
    if ('problem' in reading) {
      report(path, 1, '', reading.problem);
      continue;
    }
    bytes += reading.bytes;
    if (bytes > MAX_ALL_BYTES) throw invalid(dir, 'is larger than 128 MiB in total');
    const tree = readYaml(reading.text, { references: false });
    if ('problems' in tree) {
      for (const { line, message } of tree.problems) report(path, line, '', message);
      continue;
    }
    const checked = manifestFile.safeParse(tree.value, { reportInput: true });
    if (!checked.success) {
      for (const issue of checked.error.issues) {
        for (const { at, message } of describeIssue(issue))
          report(path, tree.lineOf(at), at.join('.'), message);
      }
      continue;
    }
    const { type, id } = checked.data.provider;
    const expected = fileNameOf(type, id);
    if (name !== expected)
      report(path, tree.lineOf(['provider', 'id']), '', `expected the file name ${expected}`);
    else files.push({ path, content: checked.data, lineOf: tree.lineOf });
  }

  const tools = files.flatMap(({ path, content, lineOf }) =>
    checkTools(content, (at, message) => report(path, lineOf(at), at.join('.'), message)),
  );
  if (problems.length > 0) throw problemsError(dir, problems);
  return Object.freeze({
    dir,
    providers: Object.freeze(files.map(({ content }) => providerOf(content, 'approved'))),
    catalog: Object.freeze(files.map(({ content }) => providerOf(content, 'all'))),
    tools: Object.freeze(tools.sort((a, b) => compare(a.name, b.name))),
  });
}

async function manifestNames(dir: string): Promise<string[]> {
  let names: string[];
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    throw invalid(dir, `cannot be read (${systemErrorCode(error)})`);
  }
  // Report a file with the other common extension instead of silently ignoring it.
  const files = names.filter((name) => /\.ya?ml$/i.test(name) && !name.startsWith('.')).sort(compare);
  if (files.length === 0) throw invalid(dir, 'contains no file of a manifest');
  if (files.length > MAX_FILES) throw invalid(dir, `contains more than ${MAX_FILES} files`);
  return files;
}

async function readText(path: string): Promise<{ text: string; bytes: number } | { problem: string }> {
  if (!path.endsWith(FILE_ENDING)) return { problem: `expected the ending ${FILE_ENDING}` };
  try {
    // Links are followed: a folder that Kubernetes mounts consists of them.
    const found = await stat(path);
    if (!found.isFile()) return { problem: 'expected a file' };
    if (found.size > MAX_FILE_BYTES) return { problem: `expected at most ${MAX_FILE_BYTES / MIB} MiB` };
    const content = await readFile(path);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(content), bytes: content.byteLength };
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return { problem: 'expected text in UTF-8' };
    return { problem: `it cannot be read (${code})` };
  }
}

/** Checks what a schema cannot express: duplicate names, and hashes. */
function checkTools(
  { provider, tools, withheld = [] }: ManifestFile,
  report: (at: readonly PropertyKey[], message: string) => void,
): ApprovedTool[] {
  const seen = new Set<string>();
  const once = (name: string, at: readonly PropertyKey[]): void => {
    if (seen.has(name)) report(at, `expected each tool only once, and ${name} is here again`);
    seen.add(name);
  };
  for (const [index, { dify }] of tools.entries()) once(dify.name, ['tools', index, 'dify', 'name']);
  for (const [index, { dify }] of withheld.entries()) once(dify.name, ['withheld', index, 'dify', 'name']);
  return tools.map(({ hash, published, difyHash, dify }, index) => {
    const refuse = (key: string, where: string): void =>
      report(
        ['tools', index, key],
        `the hash does not match ${where}, which was edited by hand: ` +
          'restore it, or run dify-mcp-bridge manifest pull and review what it writes',
      );
    if (toolHash(published) !== hash) refuse('hash', 'published');
    if (sourceHash(plain(provider), plain(dify)) !== difyHash) refuse('difyHash', 'dify or provider');
    const ref = { providerType: provider.type, providerId: provider.id, tool: dify.name };
    return Object.freeze({ ...published, hash, ref });
  });
}

function describeIssue(issue: z.core.$ZodIssue): { at: readonly PropertyKey[]; message: string }[] {
  const { path: at } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ at: [...at, key], message: 'expected no such key here' }));
    case 'invalid_type': {
      const expected = issue.expected === 'record' ? 'object' : issue.expected;
      const message = `expected ${expected === 'string' ? 'text' : expected}, got ${kindOf(issue.input)}`;
      return [{ at, message }];
    }
    case 'invalid_value':
      return [
        { at, message: `expected ${issue.values.map(String).join(' or ')}, got ${kindOf(issue.input)}` },
      ];
    default:
      return [{ at, message: issue.message }];
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string' && value.length > 40) return 'another text';
  return writeJson(value) ?? 'something else';
}

function invalid(dir: string, what: string): BridgeError {
  return new BridgeError('config_invalid', `The manifest ${dir} ${what}.`, {
    hint: 'Name the folder that "dify-mcp-bridge manifest pull" wrote.',
  });
}

function problemsError(dir: string, problems: readonly Problem[]): BridgeError {
  const { length } = problems;
  const message = `The manifest ${dir} has ${length === 1 ? 'a problem' : `${length} problems`}.`;
  const shown = problems.slice(0, MAX_PROBLEMS);
  if (length > MAX_PROBLEMS) shown.push({ path: '', message: `and ${length - MAX_PROBLEMS} more` });
  return new BridgeError('config_invalid', message, { problems: shown });
}
