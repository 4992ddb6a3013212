import { isAbsolute } from 'node:path';
import type { FileArgument, FileSource } from '../model/registry.ts';
import { isBase64 } from './file-coercion.ts';
import { fileExample } from './file-parameter.ts';

/** A problem with a file argument. `member` is empty if it concerns the whole argument. */
interface FileProblem {
  readonly member: '' | keyof FileArgument;
  readonly message: string;
}

export function fileMembers(sources: readonly FileSource[]): (keyof FileArgument)[] {
  return [...sources, 'filename', 'mime_type'];
}

/** What the published members need besides their name. */
export const MEMBER_DESCRIPTIONS: Readonly<Partial<Record<keyof FileArgument, string>>> = {
  url: 'https address',
  resource: 'dify-file:// URI from an earlier result',
  path: 'absolute path on this computer',
  data: 'Base64; needs filename',
};

/** Returns the problems of a file argument other than wrong types of its members. */
export function fileProblems(file: FileArgument, sources: readonly FileSource[]): readonly FileProblem[] {
  const given = sources.filter((source) => file[source] !== undefined);
  if (given.length !== 1) {
    const choice = sources.length === 1 ? String(sources[0]) : `exactly one of ${inWords(sources)}`;
    const got = given.length === 0 ? 'none' : inWords(given);
    return [{ member: '', message: `expected ${choice}, such as ${fileExample(sources[0])}; got ${got}` }];
  }
  const problems: FileProblem[] = [];
  const { url, data, filename, path } = file;
  if (url !== undefined && !(/^https?:\/\//i.test(url) && URL.canParse(url))) {
    problems.push({ member: 'url', message: `expected a web address, such as ${fileExample('url')}` });
  }
  if (path !== undefined && !isAbsolute(path)) {
    problems.push({ member: 'path', message: 'expected an absolute path' });
  }
  if (data !== undefined && !isBase64(data)) {
    problems.push({
      member: 'data',
      message: `expected the file's bytes as Base64, such as ${fileExample('data')}`,
    });
  }
  if (data !== undefined && filename === undefined) {
    const message = `is required with data, such as ${fileExample('data')}`;
    problems.push({ member: 'filename', message });
  }
  return problems;
}

function inWords(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
