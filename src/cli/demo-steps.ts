import type { ToolResult } from '../model/content.ts';
import type { JsonObject } from '../model/json.ts';
import { textOf } from './saved-files.ts';

export interface DemoAnswer {
  readonly result: ToolResult;
  readonly progress: readonly number[];
}

export interface DemoStep {
  readonly kind: string;
  readonly tool: string;
  readonly args: JsonObject;
  readonly showProgress?: true;
  readonly remark?: string;
  /** Returns what is wrong with the answer; undefined if it is as expected. */
  readonly check: (answer: DemoAnswer) => string | undefined;
}

const HAIKU = 'An old silent pond\nA frog jumps into the pond\nSplash! Silence again\n';

/** One tool of each kind, and one that fails. */
export const DEMO_STEPS: readonly DemoStep[] = [
  {
    kind: 'A built-in tool of Dify',
    tool: 'time__weekday',
    args: { year: 2026, month: 11, day: 22 },
    check: expectText(/Sunday/),
  },
  {
    kind: 'A plugin tool that returns an image',
    tool: 'paperkite_studio__draw_chart',
    args: { title: 'Visitors', labels: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'], values: [12, 19, 8, 15, 22] },
    check: ({ result }) => {
      if (result.isError) return 'the tool failed';
      const image = result.content.find((block) => block.type === 'image');
      if (image === undefined) return 'the answer contains no picture';
      const bytes = Buffer.from(image.data, 'base64');
      return bytes.toString('latin1', 1, 4) === 'PNG' ? undefined : 'the picture is not a PNG';
    },
  },
  {
    kind: 'A plugin tool that takes a while',
    tool: 'paperkite_studio__research',
    args: { topic: 'kites', seconds: 2 },
    showProgress: true,
    check: (answer) => {
      const { progress } = answer;
      if (progress.length === 0) return 'no progress notification came';
      const rising = progress.every((value, index) => index === 0 || value > (progress[index - 1] ?? value));
      return rising ? expectText(/kites/)(answer) : 'the progress did not rise';
    },
  },
  {
    kind: 'A custom API tool: Dify makes an HTTP request',
    tool: 'api_Pet_store__getPet',
    args: { petId: 1 },
    check: expectText(/"?name"?/),
  },
  {
    kind: 'A workflow published as a tool',
    tool: 'workflow__compare_texts',
    args: { first: 'the kite flies high', second: 'the kite flies low' },
    check: expectText(/share/),
  },
  {
    kind: 'A workflow that takes a file and returns a file',
    tool: 'workflow__text_report',
    args: {
      title: 'Haiku',
      document: { filename: 'haiku.txt', data: Buffer.from(HAIKU).toString('base64') },
    },
    check: ({ result }) => {
      if (result.isError) return 'the tool failed';
      const file = result.content.find((block) => block.type === 'resource')?.resource;
      if (file === undefined) return 'the answer contains no file';
      const text = 'text' in file ? file.text : Buffer.from(file.blob, 'base64').toString('utf8');
      return /Lines: 3/.test(text) ? undefined : 'the report does not count three lines';
    },
  },
  {
    kind: 'A tool of an MCP server to which Dify is connected',
    tool: 'mcp_library-desk__search_books',
    args: { query: 'kite' },
    check: expectText(/The Kite Maker/),
  },
  {
    kind: 'A tool that fails halfway',
    tool: 'paperkite_mishaps__break_midway',
    args: {},
    remark: 'This is a tool error (isError): the model reads it and can act on it.',
    check: ({ result }) => {
      if (result.isError !== true) return 'the failure was not reported as one';
      return /on purpose/.test(textOf(result)) ? undefined : 'the reason of the failure is missing';
    },
  },
];

function expectText(pattern: RegExp): (answer: DemoAnswer) => string | undefined {
  return ({ result }) => {
    if (result.isError) return 'the tool failed';
    return pattern.test(textOf(result)) ? undefined : `the text does not match ${pattern}`;
  };
}
