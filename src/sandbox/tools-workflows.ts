import { StoredFile } from './files.ts';
import { ToolFailure } from './messages.ts';
import type { SandboxProvider } from './provider.ts';
import type { WorkflowInputs } from './workflow-inputs.ts';
import { workflowProvider } from './workflow-provider.ts';

/** Takes two texts and returns several outputs of different types after a short silence. */
export const compareTextsWorkflow: SandboxProvider = workflowProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000b1',
  appId: '5a4db0c5-0000-4000-8000-0000000000b2',
  name: 'compare_texts',
  label: 'Compare texts',
  description: 'Compares two texts word by word and reports how similar they are.',
  inputs: [
    { name: 'first', type: 'paragraph', required: true, maxLength: 20_000, description: 'The first text.' },
    { name: 'second', type: 'paragraph', required: true, maxLength: 20_000, description: 'The second text.' },
  ],
  outputs: {
    verdict: { type: 'string', description: 'The result in one sentence.' },
    similarity: { type: 'number', description: 'Share of common words among all words, 0 to 1.' },
    shared_words: { type: 'array[string]' },
    counts: { type: 'object' },
  },
  silenceMs: 400,
  run(inputs) {
    const first = new Set(wordsOf(textOf(inputs, 'first')));
    const second = new Set(wordsOf(textOf(inputs, 'second')));
    const shared = [...first].filter((word) => second.has(word));
    const all = new Set([...first, ...second]).size;
    const similarity = all === 0 ? 1 : Number((shared.length / all).toFixed(3));
    return {
      verdict: `The texts share ${shared.length} of ${all} different words.`,
      similarity,
      shared_words: shared,
      counts: { first: first.size, second: second.size, shared: shared.length },
    };
  },
});

/** The longest run of the slow workflow, in seconds: Dify stops a workflow after 20 minutes. */
const MAX_SECONDS = 1200;

/** A workflow that is silent for the requested time, then answers. */
export const slowReportWorkflow: SandboxProvider = workflowProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000b7',
  appId: '5a4db0c5-0000-4000-8000-0000000000b8',
  name: 'slow_report',
  label: 'Slow report',
  description: 'Waits silently for the given time, then reports how long it took.',
  inputs: [
    {
      name: 'seconds',
      type: 'number',
      required: true,
      description: 'How long to wait, in seconds: 0 to 1200.',
    },
  ],
  outputs: {
    report: { type: 'string', description: 'The result in one sentence.' },
    status: { type: 'string' },
  },
  silenceMs: (inputs) => secondsOf(inputs) * 1000,
  run: (inputs) => ({ report: `This took ${secondsOf(inputs)} seconds.`, status: 'done' }),
});

function secondsOf(inputs: WorkflowInputs): number {
  const seconds = Number(inputs['seconds']);
  if (seconds >= 0 && seconds <= MAX_SECONDS) return seconds;
  throw new ToolFailure(`seconds must be from 0 to ${MAX_SECONDS}`);
}

/** Takes a text file and returns a report file and two numbers. */
export const textReportWorkflow: SandboxProvider = workflowProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000b3',
  appId: '5a4db0c5-0000-4000-8000-0000000000b4',
  name: 'text_report',
  label: 'Text report',
  description: 'Counts the lines and words of a text file and writes a report about it.',
  inputs: [
    { name: 'document', type: 'file', required: true, description: 'The text file.' },
    {
      name: 'title',
      type: 'string',
      maxLength: 120,
      default: 'Text report',
      description: 'Heading of the report.',
    },
  ],
  outputs: {
    report: { type: 'file', description: 'The report, as Markdown.' },
    lines: { type: 'number' },
    words: { type: 'number' },
  },
  silenceMs: 300,
  run(inputs, { files }) {
    const document = inputs['document'];
    if (!(document instanceof StoredFile)) throw new ToolFailure('document is required in input form');
    const content = decoded(document);
    const lines = content === '' ? 0 : content.replace(/\r?\n$/, '').split(/\r?\n/).length;
    const words = wordsOf(content).length;
    const report = [
      `# ${textOf(inputs, 'title')}`,
      '',
      `- File: ${document.filename}`,
      `- Lines: ${lines}`,
      `- Words: ${words}`,
      `- Bytes: ${document.size}`,
      '',
    ].join('\n');
    const file = files.put(Buffer.from(report), {
      mimeType: 'text/markdown',
      filename: `${document.filename.replace(/\.[^.]*$/, '')}-report.md`,
    });
    return { report: file, lines, words };
  },
});

/** Returns the file that it received. */
export const echoFileWorkflow: SandboxProvider = workflowProvider({
  id: '5a4db0c5-0000-4000-8000-0000000000b5',
  appId: '5a4db0c5-0000-4000-8000-0000000000b6',
  name: 'echo_file',
  label: 'Echo a file',
  description: 'Returns the file that it receives.',
  inputs: [{ name: 'file', type: 'file', required: true, description: 'Any file.' }],
  outputs: { echo: { type: 'file', description: 'The same file.' }, size: { type: 'number' } },
  silenceMs: 0,
  run({ file }) {
    if (!(file instanceof StoredFile)) throw new ToolFailure('file is required in input form');
    return { echo: file, size: file.size };
  },
});

function textOf(inputs: WorkflowInputs, name: string): string {
  const value = inputs[name];
  return typeof value === 'string' ? value : '';
}

function wordsOf(content: string): string[] {
  return content.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
}

function decoded(file: StoredFile): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes);
  } catch (cause) {
    throw new ToolFailure(`${file.filename} is not a text in UTF-8.`, { cause });
  }
}
