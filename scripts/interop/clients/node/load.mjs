import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { resolve } = createRequire(join(process.argv[2], 'package.json'));

/** Resolves with a module of the client's folder. */
export const load = (name) => import(pathToFileURL(resolve(name)).href);

export const stdioOf = ({ command, args, env }) => ({ command, args, env });

/** Returns the answer of a result that has the form of MCP's, or is the structured content in its place. */
export function answerOf(result) {
  const { content, isError = false, structuredContent } = result;
  if (!Array.isArray(content)) return { text: '', error: false, structured: result, pictures: [] };
  return {
    text: content.map(({ text = '' }) => text).join('\n'),
    error: isError,
    structured: structuredContent,
    pictures: content.filter(({ type }) => type === 'image').map(({ data }) => data),
  };
}
