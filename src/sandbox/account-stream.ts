import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { nowInSeconds } from './account-apps.ts';
import { inputFiles } from './account-run.ts';
import { ACCOUNT_ID } from './console-view.ts';
import type { SandboxProvider } from './provider.ts';
import type { SandboxState } from './state.ts';

/** How often Dify writes to a silent stream, in milliseconds. */
const PING_MS = 10_000;
const STOPPED = 'Stopped by user.';
const ABORTED = 'Aborted: User requested stop';
const PING = Buffer.from('event: ping\n\n');

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
  const ids = { workflow_run_id: randomUUID(), task_id: task.id };

  // Not a TextEncoderStream: that of Node.js 20 copies each character by itself.
  async function* events(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const data = (event: string, body: JsonObject) =>
      Buffer.from(`data: ${JSON.stringify({ event, ...ids, data: body })}\n\n`);
    const started = nowInSeconds();
    const { workersRun } = state.features;
    const run = { id: ids.workflow_run_id, workflow_id: appId };
    if (workersRun) yield PING;
    const reason = workersRun ? { reason: 'initial' } : {};
    yield data('workflow_started', { ...run, inputs, created_at: started, ...reason });
    const start = nodeEvents('start');
    yield data('node_started', start.started);
    yield data('node_finished', start.finished('succeeded'));
    const work = nodeEvents('code');
    yield data('node_started', work.started);
    const done = outcome.finally(() => task.end());
    for (;;) {
      const silence = new AbortController();
      const ping = sleep(PING_MS, 'ping' as const, { signal: silence.signal }).catch(() => 'ping' as const);
      const next = await Promise.race([done, ping]);
      silence.abort();
      if (next === 'ping') {
        yield PING;
        continue;
      }
      for (const [name, text] of Object.entries(next.outputs)) {
        if (typeof text !== 'string') continue;
        yield data('text_chunk', { text, from_variable_selector: ['code', name] });
      }
      // Dify does not report the end of a node that was stopped.
      if (next.status !== 'stopped') yield data('node_finished', work.finished(next.status));
      if (next.status === 'succeeded') {
        const end = nodeEvents('end');
        yield data('node_started', end.started);
        yield data('node_finished', end.finished('succeeded'));
      }
      yield data('workflow_finished', {
        ...run,
        ...next,
        elapsed_time: nowInSeconds() - started,
        total_tokens: 0,
        total_steps: next.status === 'succeeded' ? 3 : 2,
        created_by: { id: ACCOUNT_ID, name: 'Sandbox', email: state.credentials.email },
        created_at: started,
        finished_at: nowInSeconds(),
        exceptions_count: 0,
        files: [],
      });
      return;
    }
  }

  return new Response(ReadableStream.from(events()), {
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
  });
}

/** Returns the data of the events of one node, which have no inputs and outputs outside of Dify's editor. */
function nodeEvents(type: 'start' | 'code' | 'end') {
  const node = { id: randomUUID(), node_id: type, node_type: type, title: type };
  const place = { index: 1, predecessor_node_id: null, inputs: null };
  const created_at = nowInSeconds();
  const parents = { iteration_id: null, loop_id: null };
  return {
    started: { ...node, ...place, created_at, extras: {}, ...parents },
    finished: (status: string): JsonObject => ({
      ...node,
      ...place,
      process_data: null,
      outputs: null,
      status,
      error: null,
      elapsed_time: 0,
      execution_metadata: null,
      created_at,
      finished_at: nowInSeconds(),
      files: [],
      ...parents,
    }),
  };
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
      ? { status: 'stopped', outputs: {}, error: state.features.workersRun ? ABORTED : STOPPED }
      : { status: 'failed', outputs: {}, error: text };
  }
}
