import { setTimeout as sleep } from 'node:timers/promises';
import { parameter } from '../../src/sandbox/declaration.ts';
import { blob, log, text, ToolFailure, WorkerCrash } from '../../src/sandbox/messages.ts';
import { textOf } from '../../src/sandbox/parameter-values.ts';
import { redDot, shortBeep } from '../../src/sandbox/media.ts';
import {
  builtinProvider,
  defineTool,
  type SandboxProvider,
  type SandboxTool,
} from '../../src/sandbox/provider.ts';

/** Milliseconds between the steps of a tool that reports steps. */
const STEP_MS = 50;
/** Milliseconds that a failing job works before it fails. */
const JOB_MS = 1000;
const PROVIDER_ID = 'paperkite/rehearsal/rehearsal';

const simpleText = defineTool('test_simple_text', { description: 'Answers one text.' }, async function* () {
  yield text('This is a simple text response for testing.');
});

const imageContent = defineTool(
  'test_image_content',
  { description: 'Answers one picture.' },
  async function* () {
    yield blob(redDot(), { mime_type: 'image/png' });
  },
);

const audioContent = defineTool(
  'test_audio_content',
  { description: 'Answers one sound.' },
  async function* () {
    yield blob(shortBeep(), { mime_type: 'audio/wav' });
  },
);

const embeddedResource = defineTool(
  'test_embedded_resource',
  { description: 'Answers one text file.' },
  async function* () {
    yield blob(Buffer.from('This is an embedded resource content.'), {
      mime_type: 'text/plain',
      filename: 'embedded-resource.txt',
    });
  },
);

const multipleContentTypes = defineTool(
  'test_multiple_content_types',
  { description: 'Answers a text, a picture and a JSON file.' },
  async function* () {
    yield text('Multiple content types test:');
    yield blob(redDot(), { mime_type: 'image/png' });
    yield blob(Buffer.from(JSON.stringify({ test: 'data', value: 123 })), {
      mime_type: 'application/json',
      filename: 'mixed-content-resource.json',
    });
  },
);

const errorHandling: SandboxTool = defineTool(
  'test_error_handling',
  { description: 'Fails.' },
  // oxlint-disable-next-line require-yield
  async function* () {
    throw new ToolFailure('This tool intentionally returns an error for testing');
  },
);

const withLogging = defineTool(
  'test_tool_with_logging',
  { description: 'Logs three steps, then answers.' },
  async function* (_given, { signal }) {
    const steps = ['Tool execution started', 'Tool processing data', 'Tool execution completed'];
    for (const [index, label] of steps.entries()) {
      if (index > 0) await sleep(STEP_MS, undefined, { signal });
      yield log({ id: `step-${index + 1}`, label, status: 'success' });
    }
    yield text('The tool logged three steps.');
  },
);

const withProgress = defineTool(
  'test_tool_with_progress',
  { description: 'Reports how far it is, then answers.' },
  async function* (_given, { signal }) {
    for (const done of [0, 50, 100]) {
      if (done > 0) await sleep(STEP_MS, undefined, { signal });
      yield log({
        id: 'progress',
        label: `${done} of 100`,
        status: done === 100 ? 'success' : 'start',
        data: { progress: done, total: 100 },
      });
    }
    yield text('The tool reported three times.');
  },
);

const loggingTool = defineTool(
  'test_logging_tool',
  { description: 'Logs one step, then answers.' },
  async function* () {
    yield log({ id: 'step-1', label: 'The tool runs', status: 'success' });
    yield text('The tool logged one step.');
  },
);

const streamingElicitation = defineTool(
  'test_streaming_elicitation',
  { description: 'Answers without asking anything back.' },
  async function* (_given, { signal }) {
    yield log({ id: 'step-1', label: 'Working', status: 'start' });
    await sleep(STEP_MS, undefined, { signal });
    yield text('No question was needed.');
  },
);

const triggerToolChange = defineTool(
  'test_trigger_tool_change',
  { description: 'Adds a tool to the workspace.' },
  async function* (_given, { workspace }) {
    const provider = workspace.providers.find((candidate) => candidate.id === PROVIDER_ID);
    const name = `test_added_tool_${provider?.tools.length ?? 0}`;
    workspace.putTool(
      'builtin',
      PROVIDER_ID,
      defineTool(name, { description: 'Was added while the workspace was in use.' }, async function* () {
        yield text('I was added later.');
      }),
    );
    yield text(`Added the tool ${name}.`);
  },
);

const greet = defineTool(
  'greet',
  {
    description: 'Greets somebody.',
    parameters: [parameter('name', { required: true, description: 'Who is greeted.' })],
  },
  async function* (given) {
    yield text(`Hello, ${textOf(given, 'name')}!`);
  },
);

const slowCompute = defineTool(
  'slow_compute',
  {
    description: 'Computes for some seconds without a word, then answers.',
    parameters: [
      parameter('seconds', { type: 'number', required: true, min: 0, max: 60, description: 'How long.' }),
      parameter('label', { description: 'Appears in the answer.' }),
    ],
  },
  async function* (given, { signal }) {
    const { seconds } = given;
    if (typeof seconds !== 'number') throw new ToolFailure('seconds is required');
    await sleep(seconds * 1000, undefined, { signal });
    yield text(`Computed ${textOf(given, 'label', 'nothing in particular')} for ${seconds} seconds.`);
  },
);

const failingJob: SandboxTool = defineTool(
  'failing_job',
  { description: 'Works for a second, then fails.' },
  // oxlint-disable-next-line require-yield
  async function* (_given, { signal }) {
    await sleep(JOB_MS, undefined, { signal });
    throw new ToolFailure('The job failed on purpose.');
  },
);

const protocolErrorJob = defineTool(
  'protocol_error_job',
  { description: 'Works for a second, then takes its worker down.' },
  async function* (_given, { signal }) {
    yield log({ id: 'step-1', label: 'Working', status: 'start' });
    await sleep(JOB_MS, undefined, { signal });
    throw new WorkerCrash('The worker went down on purpose.');
  },
);

/** A plugin with the fixture tools of the public MCP conformance suite, made of ordinary messages and files. */
export const conformanceProvider: SandboxProvider = builtinProvider(PROVIDER_ID, {
  label: 'Rehearsal',
  description: 'The fixture tools of the MCP conformance suite.',
  tools: [
    simpleText,
    imageContent,
    audioContent,
    embeddedResource,
    multipleContentTypes,
    errorHandling,
    withLogging,
    withProgress,
    loggingTool,
    streamingElicitation,
    triggerToolChange,
    greet,
    slowCompute,
    failingJob,
    protocolErrorJob,
  ],
});
