import type { Json } from '../model/json.ts';
import { parameter } from './declaration.ts';
import { blob, text, ToolFailure } from './messages.ts';
import { builtinProvider, defineTool, type SandboxProvider } from './provider.ts';
import { SAMPLES } from './samples.ts';

const KINDS = Object.keys(SAMPLES);
/** The most that Dify accepts for one file of a plugin. */
const MAX_BYTES = 30 * 1024 * 1024;
const MAX_CHARACTERS = 10_000_000;
const SENTENCE = 'The kite rose over the harbour and stayed there until the wind turned.';

const giveFiles = defineTool(
  'give_files',
  {
    label: 'Give files',
    description: 'Returns sample files of the given kinds, in the same order.',
    parameters: [
      parameter('kinds', { type: 'array', required: true, description: `Any of: ${KINDS.join(', ')}.` }),
      parameter('fail', { type: 'boolean', description: 'Whether to fail after the last file.' }),
    ],
  },
  async function* (given) {
    const { kinds } = given;
    for (const kind of Array.isArray(kinds) ? kinds : []) {
      const sample = typeof kind === 'string' && Object.hasOwn(SAMPLES, kind) ? SAMPLES[kind] : undefined;
      if (sample === undefined) throw new ToolFailure(`kinds must be any of: ${KINDS.join(', ')}`);
      const { bytes, ...meta } = sample();
      yield blob(bytes, meta);
    }
    if (given['fail'] === true) throw new ToolFailure('failed after the last file, as requested');
  },
);

const giveBytes = defineTool(
  'give_bytes',
  {
    label: 'Give bytes',
    description: 'Returns one file of the given size with meaningless content.',
    parameters: [
      parameter('size', { type: 'number', required: true, description: 'Size in bytes.' }),
      parameter('name', { description: 'Name of the file.' }),
    ],
  },
  async function* (given) {
    const size = count(given['size'], 'size', MAX_BYTES);
    const name = typeof given['name'] === 'string' ? given['name'] : 'bytes.bin';
    yield blob(Buffer.alloc(size, 0xa5), { mime_type: 'application/octet-stream', filename: name });
  },
);

const writeText = defineTool(
  'write_text',
  {
    label: 'Write a text',
    description: 'Returns a text of at least the given length.',
    parameters: [
      parameter('characters', { type: 'number', required: true, description: 'Length in characters.' }),
      parameter('as_file', { type: 'boolean', description: 'Whether to return a text file.' }),
    ],
  },
  async function* (given) {
    const characters = count(given['characters'], 'characters', MAX_CHARACTERS);
    const lines = Math.ceil(characters / (SENTENCE.length + 1));
    const words = `${SENTENCE}\n`.repeat(lines);
    if (given['as_file'] === true) {
      yield blob(Buffer.from(words), { mime_type: 'text/plain', filename: 'story.txt' });
    } else yield text(words);
  },
);

/** A plugin whose tools return files of many kinds and sizes, and long texts. */
export const samplesProvider: SandboxProvider = builtinProvider('paperkite/samples/samples', {
  label: 'Paperkite Samples',
  description: 'Returns files of many kinds.',
  tools: [giveFiles, giveBytes, writeText],
});

function count(given: Json | undefined, name: string, max: number): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= max) return given;
  throw new ToolFailure(`${name} must be a whole number from 0 to ${max}`);
}
