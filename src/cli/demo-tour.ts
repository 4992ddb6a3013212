import { cutText } from '../model/cut-text.ts';
import { BridgeError } from '../model/errors.ts';
import type { DemoClient, ListedTool } from './demo-client.ts';
import { DEMO_STEPS, type DemoStep } from './demo-steps.ts';
import { table } from './layout.ts';
import { count, type Output } from './output.ts';
import { saveFiles, textOf } from './saved-files.ts';

/** Prints for a person. Silent with `-o json`. */
export interface Stage {
  readonly output: Output;
  /** Further lines of a paragraph begin `hang` columns further. */
  readonly print: (text: string, hang?: number) => void;
  /** Begins the next part. */
  readonly headline: (text: string) => void;
}

export type DemoCall = Awaited<ReturnType<typeof runStep>>;

/** What a tour has seen. */
export interface Tour {
  readonly tools: readonly ListedTool[];
  readonly calls: readonly DemoCall[];
}

/** Returns a stage whose parts are numbered. */
export function createStage(output: Output): Stage {
  const print = (text: string, hang = 0): void => {
    if (!output.json) output.raw(output.prose(text, { hang }));
  };
  let number = 0;
  const headline = (text: string): void => {
    number += 1;
    print(`\n${output.paint('bold', `${number}. ${text}`)}`);
  };
  return { output, print, headline };
}

/** Lists the tools and makes the calls of the demo. Throws if anything is not as expected. */
export async function takeTour(stage: Stage, client: DemoClient, folder: string): Promise<Tour> {
  const { output, headline, print } = stage;
  headline('The client lists the tools (tools/list)');
  const tools = await client.listTools();
  const rows = tools.map(({ name, title }) => [`   ${name}`, title]);
  if (!output.json) output.raw(table(rows, output));
  print(`   ${count(tools.length, 'tool')}.`);
  const calls: DemoCall[] = [];
  for (const step of DEMO_STEPS) {
    headline(step.kind);
    calls.push(await runStep(stage, client, step, tools, folder));
  }
  // At this log level, the bridge logs nothing if all goes well.
  const [complaint] = client.logged();
  if (complaint !== undefined) throw surprise(`the bridge logged: ${complaint}`);
  return { tools, calls };
}

async function runStep(
  { output, print }: Stage,
  client: DemoClient,
  step: DemoStep,
  tools: readonly ListedTool[],
  folder: string,
) {
  const tool = tools.find(({ name }) => name === step.tool);
  if (tool === undefined) throw surprise(`there is no tool ${step.tool}`);
  // JSON without spaces cannot be wrapped.
  const space = Math.max(20, Math.min(120, (output.width ?? 200) - 6));
  print(`   ${output.paint('cyan', '->')} ${tool.name} ${cutText(JSON.stringify(step.args), space)}`, 3);

  const progress: number[] = [];
  const startedAt = performance.now();
  const result = await client.callTool(tool.name, step.args, (value, message) => {
    progress.push(value);
    if (step.showProgress === true)
      print(`      ${output.paint('dim', `progress ${value}: ${message ?? ''}`)}`);
  });
  const took = `${Math.round(performance.now() - startedAt)} ms`;
  const text = textOf(result);
  const arrow = output.paint(result.isError ? 'yellow' : 'green', '<-');
  const [first = '', ...others] = `${text} ${output.paint('dim', `(${took})`)}`.split('\n');
  print(`   ${arrow} ${first}`, 3);
  for (const line of others) print(`      ${line}`);

  const wrong = step.check({ result, progress });
  if (wrong !== undefined) throw surprise(`${tool.name}: ${wrong}`);
  const saved = await saveFiles(result.content, {
    folder,
    fallback: tool.name,
    read: (uri) => client.readFile(uri),
  });
  for (const file of saved) print(`      saved ${file.path} (${file.mimeType}, ${file.bytes} bytes)`);
  if (step.remark !== undefined) print(`      ${step.remark}`);
  return {
    tool: tool.name,
    arguments: step.args,
    isError: result.isError === true,
    text,
    progress: progress.length,
    saved,
  };
}

export function surprise(what: string): BridgeError {
  return new BridgeError('internal', `The demo failed: ${what}.`);
}
