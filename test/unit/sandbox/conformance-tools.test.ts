import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { asAdmin, type DecodedFrame, framesOf, signed, startSandbox, textsOf } from './client.ts';

const PROVIDER = 'paperkite/rehearsal/rehearsal';

function call(sandbox: Sandbox, tool: string): Promise<DecodedFrame[]> {
  return framesOf(sandbox, { tool_type: 'builtin', provider: PROVIDER, tool });
}

async function names(sandbox: Sandbox): Promise<string[]> {
  const [provider] = (await (await asAdmin(sandbox, '/workspaces/current/tools/builtin')).json()) as {
    tools: { name: string; description: { en_US: string } }[];
  }[];
  expect(provider?.tools.every((tool) => tool.description.en_US !== '')).toBe(true);
  return provider?.tools.map((tool) => tool.name) ?? [];
}

/** Bytes and type of the file that a frame points at. */
async function fileOf(sandbox: Sandbox, frame: DecodedFrame | undefined): Promise<[string | null, Buffer]> {
  const response = await fetch(signed(sandbox, frame?.data?.message['text']));
  return [response.headers.get('content-type'), Buffer.from(await response.arrayBuffer())];
}

describe('the conformance tools', () => {
  it('stand alone in their workspace', async () => {
    const sandbox = await startSandbox({ tools: 'conformance' });
    expect(await names(sandbox)).toEqual([
      'test_simple_text',
      'test_image_content',
      'test_audio_content',
      'test_embedded_resource',
      'test_multiple_content_types',
      'test_error_handling',
      'test_tool_with_logging',
      'test_tool_with_progress',
      'test_logging_tool',
      'test_streaming_elicitation',
      'test_trigger_tool_change',
      'greet',
      'slow_compute',
      'failing_job',
      'protocol_error_job',
    ]);
    expect(await (await asAdmin(sandbox, '/workspaces/current/tools/workflow')).json()).toEqual([]);
  });

  it('answer texts and files of the types that the suite looks for', async () => {
    const sandbox = await startSandbox({ tools: 'conformance' });
    expect(textsOf(await call(sandbox, 'test_simple_text'))).toEqual([
      'This is a simple text response for testing.',
    ]);
    const [image] = await call(sandbox, 'test_image_content');
    expect(image?.data?.type).toBe('image_link');
    const [imageType, picture] = await fileOf(sandbox, image);
    expect([imageType, picture.subarray(1, 4).toString()]).toEqual(['image/png', 'PNG']);
    const [audio] = await call(sandbox, 'test_audio_content');
    expect(audio?.data).toMatchObject({ type: 'binary_link', meta: { mime_type: 'audio/wav' } });
    const [audioType, sound] = await fileOf(sandbox, audio);
    expect([audioType, sound.subarray(8, 12).toString(), sound.length]).toEqual(['audio/wav', 'WAVE', 844]);
    const [resource] = await call(sandbox, 'test_embedded_resource');
    const [resourceType, document] = await fileOf(sandbox, resource);
    expect([resourceType, document.toString()]).toEqual([
      'text/plain; charset=utf-8',
      'This is an embedded resource content.',
    ]);
    const mixed = await call(sandbox, 'test_multiple_content_types');
    expect(mixed.map((frame) => frame.data?.type)).toEqual(['text', 'image_link', 'binary_link']);
    expect(JSON.parse((await fileOf(sandbox, mixed[2]))[1].toString())).toEqual({ test: 'data', value: 123 });
  });

  it('fail, log and report progress as ordinary tools do', async () => {
    const sandbox = await startSandbox({ tools: 'conformance' });
    const [failed] = await call(sandbox, 'test_error_handling');
    expect(failed?.error).toContain('"message": "This tool intentionally returns an error for testing"');
    const logged = await call(sandbox, 'test_tool_with_logging');
    expect(logged.map((frame) => frame.data?.message['label'] ?? frame.data?.type)).toEqual([
      'Tool execution started',
      'Tool processing data',
      'Tool execution completed',
      'text',
    ]);
    const progress = await call(sandbox, 'test_tool_with_progress');
    expect(progress.slice(0, 3).map((frame) => frame.data?.message['data'])).toEqual([
      { progress: 0, total: 100 },
      { progress: 50, total: 100 },
      { progress: 100, total: 100 },
    ]);
    for (const name of ['test_logging_tool', 'test_streaming_elicitation']) {
      expect(textsOf(await call(sandbox, name))).toHaveLength(1);
    }
  });

  it('add a tool that can be called at once', async () => {
    const sandbox = await startSandbox({ tools: 'conformance' });
    const before = await names(sandbox);
    await call(sandbox, 'test_trigger_tool_change');
    await call(sandbox, 'test_trigger_tool_change');
    const added = (await names(sandbox)).slice(before.length);
    expect(added).toHaveLength(2);
    expect(textsOf(await call(sandbox, added[1] ?? ''))).toEqual(['I was added later.']);
    expect(await names(await startSandbox({ tools: 'conformance' }))).toEqual(before);
  });
});
