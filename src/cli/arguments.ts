import { readFileSync } from 'node:fs';
import { BridgeError } from '../model/errors.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { TextSource } from './io.ts';

/** The arguments of a call as `--args` gives them: JSON, `@file`, or `-` for standard input. Throws `usage`. */
export async function readArguments(given: string | undefined, stdin: TextSource): Promise<JsonObject> {
  if (given === undefined) return {};
  const { text, source } = await readText(given, stdin);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BridgeError('usage', `${source} is not JSON: ${reason}.`, { hint: EXAMPLE });
  }
  if (isJsonObject(value)) return value;
  throw new BridgeError('usage', `${source} must be a JSON object.`, { hint: EXAMPLE });
}

/** What to say of words behind the name of a tool, where many a program takes arguments. */
export function misplaced(words: readonly string[]): BridgeError {
  const message = `"${words.join(' ')}" stands behind the name of the tool: its arguments are given with --args.`;
  return new BridgeError('usage', message, { hint: EXAMPLE });
}

const EXAMPLE = `For example: --args '{"city":"Oslo"}', --args @arguments.json or --args - to read standard input.`;

async function readText(given: string, stdin: TextSource): Promise<{ text: string; source: string }> {
  if (given === '-') return { text: await readAll(stdin), source: 'Standard input' };
  if (!given.startsWith('@')) return { text: given, source: 'The value of --args' };
  const path = given.slice(1);
  try {
    return { text: readFileSync(path, 'utf8'), source: `The file ${path}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new BridgeError('usage', `The file ${path} of --args cannot be read (${code}).`);
  }
}

async function readAll(stdin: TextSource): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
