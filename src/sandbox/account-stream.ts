import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { nowInSeconds } from './account-apps.ts';
import { inputFiles } from './account-run.ts';
import type { SandboxProvider } from './provider.ts';
import type { SandboxState } from './state.ts';

/** How often Dify writes to a silent stream, in milliseconds. */
const PING_MS = 10_000;

/**
 * Runs the workflow of a tool as its app, and returns its events. The workflow goes on if the caller leaves; only a stop
 * ends it. Throws a Refusal for what Dify refuses before that.
 */
export function runWorkflowApp(
  provider: SandboxProvider,
  inputs: JsonObject,
  { appId, state }: { readonly appId: string; readonly state: SandboxState },
): Response {
  const parameters = Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      value === undefined ? null : inputFiles(value, state),
    ]),
  );
  const task = state.account.startTask();
  const outcome = outputsOf(provider, parameters, task.controller.signal, { appId, state });
  const ids = { task_id: task.id, workflow_run_id: randomUUID() };

  async function* events(): AsyncGenerator<string> {
    const data = (event: string, body: JsonObject): string =>
      `data: ${JSON.stringify({ event, ...ids, data: body })}\n\n`;
    yield 'event: ping\n\n';
    yield data('workflow_started', { id: ids.workflow_run_id, inputs, created_at: nowInSeconds() });
    yield data('node_started', { node_id: 'start', node_type: 'start', title: 'Start' });
    const done = outcome.finally(() => task.end());
    for (;;) {
      const silence = new AbortController();
      const ping = sleep(PING_MS, 'ping' as const, { signal: silence.signal }).catch(() => 'ping' as const);
      const next = await Promise.race([done, ping]);
      silence.abort();
      if (next === 'ping') {
        yield 'event: ping\n\n';
        continue;
      }
      for (const [name, text] of Object.entries(next.outputs)) {
        if (typeof text !== 'string') continue;
        yield data('text_chunk', { text, from_variable_selector: ['end', name] });
      }
      yield data('workflow_finished', { id: ids.workflow_run_id, ...next, finished_at: nowInSeconds() });
      return;
    }
  }

  const encoder = new TextEncoder();
  const all = events();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await all.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
  });
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}

/** Resolves with the end of the workflow. Its outputs are what its tool sends as json. */
async function outputsOf(
  provider: SandboxProvider,
  parameters: JsonObject,
  signal: AbortSignal,
  { appId, state }: { readonly appId: string; readonly state: SandboxState },
): Promise<{ status: string; outputs: JsonObject; error: string | null }> {
  const [tool] = provider.tools;
  let outputs: Json | undefined;
  try {
    if (tool === undefined) throw new Error('workflow not found');
    const { files, features, workspace } = state;
    state.account.runs.push({ appId, tool: tool.declaration.name, parameters });
    const run = { signal, files, features: { ...features, brokenFileOutputs: false }, workspace };
    for await (const message of tool.run(parameters, run)) {
      if (message.type === 'json' && 'message' in message) outputs = message.message['json_object'];
    }
    return {
      status: 'succeeded',
      outputs: isJsonObject(outputs ?? null) ? (outputs as JsonObject) : {},
      error: null,
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return signal.aborted
      ? { status: 'stopped', outputs: {}, error: 'Aborted: User requested stop' }
      : { status: 'failed', outputs: {}, error: text };
  }
}
