import { setTimeout as sleep } from 'node:timers/promises';
import { blob, log, text, ToolFailure } from './messages.ts';
import { encodePng } from './png.ts';
import { builtinProvider, defineTool, type SandboxProvider, type SandboxTool } from './provider.ts';

/** Milliseconds between the steps of a tool that reports steps. */
const STEP_MS = 50;
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
  ],
});

/** A red picture of 8 by 8 pixels. */
function redDot(): Uint8Array {
  const pixels = new Uint8Array(8 * 8 * 3);
  for (let index = 0; index < pixels.length; index += 3) pixels.set([214, 48, 49], index);
  return encodePng(8, 8, pixels);
}

/** A tenth of a second of 440 Hz: WAV, mono, 8 bits, 8,000 samples a second. */
function shortBeep(): Uint8Array {
  const rate = 8_000;
  const samples = rate / 10;
  const file = Buffer.alloc(44 + samples);
  file.write('RIFF', 0, 'latin1');
  file.writeUInt32LE(36 + samples, 4);
  file.write('WAVEfmt ', 8, 'latin1');
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(rate, 24);
  file.writeUInt32LE(rate, 28);
  file.writeUInt16LE(1, 32);
  file.writeUInt16LE(8, 34);
  file.write('data', 36, 'latin1');
  file.writeUInt32LE(samples, 40);
  for (let index = 0; index < samples; index += 1) {
    file.writeUInt8(128 + Math.round(100 * Math.sin((index / rate) * 440 * 2 * Math.PI)), 44 + index);
  }
  return file;
}
