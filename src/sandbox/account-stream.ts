import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { nowInSeconds, type SandboxApp } from './account-apps.ts';
import { nodesOf, type Outcome, runTool, type ToolNode, withFiles } from './account-run.ts';
import { textOf } from './parameter-values.ts';
import { invalidParam } from './refusal.ts';
import type { SandboxState } from './state.ts';

/** How often Dify writes to a silent stream, in milliseconds. */
const PING_MS = 10_000;
/** The types of start variables that the sandbox knows, and whether a value is of that type. */
const TYPES: Readonly<Record<string, (value: Json) => boolean>> = {
  paragraph: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  checkbox: (value) => typeof value === 'boolean',
  file: isJsonObject,
  'file-list': (value) => Array.isArray(value),
};

/**
 * Runs a draft of the form start, tool, end, and returns its events. The workflow goes on if the caller leaves; only a
 * stop ends it. Throws a Refusal for what Dify refuses before that.
 */
export function runDraft(app: SandboxApp, inputs: JsonObject, state: SandboxState): Response {
  const nodes = nodesOf(app);
  const byType = (type: string): ToolNode => {
    const found = nodes.find(({ data }) => data['type'] === type);
    if (found === undefined) throw invalidParam(`no ${type} node found in workflow`);
    return found;
  };
  const [start, tool, end] = [byType('start'), byType('tool'), byType('end')];
  const pool = startPool(start, inputs, state);
  const task = state.account.startTask();
  const abort = task.controller;
  const outcome = runTool(tool, pool, { appId: app.id, state, signal: abort.signal });
  const ids = { task_id: task.id, workflow_run_id: randomUUID() };

  async function* events(): AsyncGenerator<string> {
    const data = (event: string, body: JsonObject): string =>
      `data: ${JSON.stringify({ event, ...ids, data: body })}\n\n`;
    yield 'event: ping\n\n';
    yield data('workflow_started', { id: ids.workflow_run_id, inputs, created_at: nowInSeconds() });
    yield data('node_started', { node_id: tool.id, node_type: 'tool', title: textOf(tool.data, 'title') });
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
      const finished = finishOf(next, end, tool, abort.signal.aborted);
      yield data('workflow_finished', { id: ids.workflow_run_id, ...finished, finished_at: nowInSeconds() });
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

function finishOf(outcome: Outcome, end: ToolNode, tool: ToolNode, stopped: boolean): JsonObject {
  if (stopped) return { status: 'stopped', outputs: null, error: 'Aborted: User requested stop' };
  if (outcome.status === 'failed') return { status: 'failed', outputs: null, error: outcome.error };
  const wanted = end.data['outputs'] as readonly { variable: string; value_selector: readonly string[] }[];
  const outputs: Record<string, Json> = {};
  for (const { variable, value_selector: selector } of wanted) {
    const [node, name = ''] = selector;
    outputs[variable] = (node === tool.id ? outcome.outputs[name] : undefined) ?? null;
  }
  return { status: 'succeeded', outputs, error: null };
}

/** Returns the values of the start variables. Throws a Refusal with Dify's words for the first invalid one. */
function startPool(start: ToolNode, inputs: JsonObject, state: SandboxState): ReadonlyMap<string, Json> {
  const pool = new Map<string, Json>();
  for (const declared of start.data['variables'] as readonly JsonObject[]) {
    const [name, type] = [textOf(declared, 'variable'), textOf(declared, 'type')];
    const isKnown = TYPES[type];
    if (isKnown === undefined || (type === 'checkbox' && !state.features.suppressOutput)) {
      throw invalidParam(
        `1 validation error for VariableEntity\ntype\n  Input should be a known type, not ${type}`,
      );
    }
    const value = inputs[name];
    if (value === undefined || value === null) continue;
    if (!isKnown(value)) throw invalidParam(`${name} in input form must be a ${type}`);
    pool.set(`start.${name}`, withFiles(value, state));
  }
  return pool;
}
