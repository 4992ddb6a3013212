import { isAbsolute } from 'node:path';
import type { FileArgument, FileSource } from '../model/registry.ts';
import { isBase64 } from './file-coercion.ts';

/** One thing that is wrong with a file argument; `member` is empty where it is the whole. */
interface FileProblem {
  readonly member: '' | keyof FileArgument;
  readonly message: string;
}

/** The members of a file argument of these sources. */
export function fileMembers(sources: readonly FileSource[]): (keyof FileArgument)[] {
  return [...sources, 'filename', 'mime_type'];
}

export const MEMBER_DESCRIPTIONS: Readonly<Record<keyof FileArgument, string>> = {
  url: 'Web address of the file, beginning with https://.',
  resource: 'URI of a file that an earlier result named, as it stands there.',
  path: 'Absolute path of a file on this computer, in a folder that the operator allowed.',
  data: "The file's bytes in Base64. Needs filename.",
  filename: 'File name with its extension. Needed with data, otherwise only to rename.',
  mime_type: 'Media type, such as application/pdf. Best left out: it is told from the bytes.',
};

/** What is wrong with a file argument beyond the types of its members. */
export function fileProblems(file: FileArgument, sources: readonly FileSource[]): readonly FileProblem[] {
  const given = sources.filter((source) => file[source] !== undefined);
  if (given.length !== 1) {
    const choice = sources.length === 1 ? String(sources[0]) : `exactly one of ${inWords(sources)}`;
    const got = given.length === 0 ? 'none' : inWords(given);
    return [{ member: '', message: `expected ${choice}, got ${got}` }];
  }
  const problems: FileProblem[] = [];
  const { url, data, filename, path } = file;
  if (url !== undefined && !(/^https?:\/\//i.test(url) && URL.canParse(url))) {
    problems.push({ member: 'url', message: 'expected a web address that begins with https://' });
  }
  if (path !== undefined && !isAbsolute(path)) {
    problems.push({ member: 'path', message: 'expected an absolute path' });
  }
  if (data !== undefined && !isBase64(data)) {
    problems.push({ member: 'data', message: "expected the file's bytes in Base64" });
  }
  if (data !== undefined && filename === undefined) {
    const message = 'is required with data: the file name with its extension, such as report.pdf';
    problems.push({ member: 'filename', message });
  }
  return problems;
}

function inWords(names: readonly string[]): string {
  return names.length === 1 ? String(names[0]) : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
