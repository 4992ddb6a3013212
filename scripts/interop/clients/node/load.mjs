import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { resolve } = createRequire(join(process.argv[2], 'package.json'));

/** Resolves with a module of the client's folder. */
export const load = (name) => import(pathToFileURL(resolve(name)).href);

export const stdioOf = ({ command, args, env }) => ({ command, args, env });

/** Returns the answer of a result that has the form of MCP's. */
export function answerOf({ content = [], isError = false, structuredContent }) {
  return {
    text: content.map(({ text = '' }) => text).join('\n'),
    error: isError,
    structured: structuredContent,
    pictures: content.filter(({ type }) => type === 'image').map(({ data }) => data),
  };
}
