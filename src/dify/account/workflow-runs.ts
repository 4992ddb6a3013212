import { hash } from 'node:crypto';
import { after, onAbort } from '../../model/async.ts';
import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { isJsonObject, type JsonObject, objectOf, textOf } from '../../model/json.ts';
import type { ToolInvokeMessage } from '../../model/message.ts';
import type { ConsoleSession } from '../console/session.ts';
import type { DifyAnswer } from '../wire/http.ts';
import { readReply } from '../wire/reply.ts';
import { accountError, isGone, runError } from './account-errors.ts';
import { decodeEvents } from './event-stream.ts';
import type { NodeRun } from './node.ts';
import { createOwnApp, listOwnApps } from './own-apps.ts';
import { messagesOf } from './outputs.ts';
import { toWorkflowGraph } from './workflow-graph.ts';

export interface WorkflowRunsOptions {
  readonly session: ConsoleSession;
  /** Whether the operator agreed that the bridge makes apps. */
  readonly mayCreate: boolean;
  /** The largest accepted event, in bytes. */
  readonly maxEventBytes: number;
}

/** A run that Dify has accepted. */
export interface StreamedRun {
  /** Ends as an invocation does. Leaving it early or aborting the signal stops the workflow in Dify. */
  messages(): AsyncGenerator<ToolInvokeMessage, void, undefined>;
}

const APP_NAME = 'MCP bridge worker';
/** The most apps of that name: a workspace's plan may limit them. Other workflow tools run without a stream. */
export const MAX_APPS = 10;
/** Attempts to prepare a draft that others change at the same time. */
const MAX_ATTEMPTS = 3;
/** How long the bridge waits for a workflow's ID after its caller has left. */
const STOP_MS = 10_000;
const NO_ROOM: ReadonlySet<ErrorCode> = new Set(['upstream_quota_exceeded', 'upstream_forbidden']);
const NO_TIMEOUT = Number.POSITIVE_INFINITY;

/** Errors inside a workflow name their own providers. */
const WORKFLOW = {
  providerType: 'workflow',
  providerId: 'workflow',
  tool: 'workflow',
  providerLabel: 'The workflow',
} as const;

/**
 * Runs workflow tools as streams, which no proxy cuts for being silent and which can be stopped. Each combination of
 * tool, given parameters and credential has an app of its own, whose description names it: a stream runs a whole draft,
 * so that bridges may share an app only if its draft never changes.
 */
export class WorkflowRuns {
  readonly #options: WorkflowRunsOptions;
  /** The apps by the key in their description. */
  #apps: Promise<Map<string, string>> | undefined;
  /** What this Dify does not run as a stream. */
  readonly #refused = new Set<string>();
  #mayCreate: boolean;
  readonly #making = new Map<string, Promise<string | undefined>>();

  constructor(options: WorkflowRunsOptions) {
    this.#options = options;
    this.#mayCreate = options.mayCreate;
  }

  /**
   * Starts a run. Resolves with undefined if the values cannot be start variables, if there is no app, or if Dify
   * refuses the run, always before the tool is started.
   */
  async start(
    { node, values }: NodeRun,
    version: string | undefined,
    signal: AbortSignal,
  ): Promise<StreamedRun | undefined> {
    const graph = toWorkflowGraph(node, values, version);
    if (graph === undefined) return undefined;
    const key = `[${hash('sha256', JSON.stringify(graph)).slice(0, 24)}]`;
    const appId = this.#refused.has(key) ? undefined : await this.#appFor(key);
    if (appId === undefined) return undefined;
    const path = `/console/api/apps/${appId}`;
    if (!(await this.#prepare(path, graph, signal))) {
      this.#apps = undefined;
      return undefined;
    }
    signal.throwIfAborted();
    // A workflow can be stopped only by the ID that its stream begins with, so a caller's abort waits for that.
    const close = new AbortController();
    const stopListening = onAbort(
      signal,
      () => void after(STOP_MS, () => close.abort(signal.reason), { ref: false }),
    );
    const answer = await this.#options.session
      .send({
        method: 'POST',
        path: `${path}/workflows/draft/run`,
        content: () => ({ body: { inputs: values, files: [] } }),
        signal: close.signal,
        timeoutMs: NO_TIMEOUT,
      })
      .finally(stopListening);
    if (answer.status === 200) return { messages: () => this.#read(path, answer, { signal, close }) };
    const reply = await readReply(answer);
    if (answer.status === 429) throw accountError(this.#options.session, answer, reply);
    if (answer.status < 500) {
      // A deleted app is looked for again; any other refusal would be repeated.
      if (isGone(reply)) this.#apps = undefined;
      else this.#refused.add(key);
      return undefined;
    }
    throw accountError(this.#options.session, answer, reply);
  }

  async #appFor(key: string): Promise<string | undefined> {
    const apps = await (this.#apps ??= this.#list().catch((error: unknown) => {
      this.#apps = undefined;
      throw error;
    }));
    const known = apps.get(key);
    if (known !== undefined || !this.#mayCreate || apps.size >= MAX_APPS) return known;
    const making = this.#making.get(key) ?? this.#make(key, apps).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #list(): Promise<Map<string, string>> {
    const { apps } = await listOwnApps(this.#options.session, APP_NAME, AbortSignal.any([]));
    const byKey = new Map<string, string>();
    for (const { id, description } of apps) {
      const key = /\[[0-9a-f]{24}\]/.exec(description)?.[0];
      if (key !== undefined && !byKey.has(key)) byKey.set(key, id);
    }
    return byKey;
  }

  /** Resolves with undefined if Dify does not let the account make another app. */
  async #make(key: string, apps: Map<string, string>): Promise<string | undefined> {
    const description = `Runs a workflow for MCP clients. The bridge made it: please do not edit. ${key}`;
    try {
      const id = await createOwnApp(this.#options.session, APP_NAME, description, AbortSignal.any([]));
      apps.set(key, id);
      return id;
    } catch (error) {
      if (!(error instanceof BridgeError) || !NO_ROOM.has(error.code)) throw error;
      this.#mayCreate = false;
      return undefined;
    }
  }

  /** Makes the app's draft this graph. Resolves with false if that is not possible. */
  async #prepare(path: string, graph: JsonObject, signal: AbortSignal): Promise<boolean> {
    const { session } = this.#options;
    const draft = `${path}/workflows/draft`;
    let environment: object = { environment_variables: [] };
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const present = await session.send({ method: 'GET', path: draft, signal });
      const stored = objectOf(await present.json());
      if (present.status === 200 && isEqual(objectOf(stored['graph']), graph)) return true;
      if (present.status !== 200 && stored['code'] !== 'draft_workflow_not_exist') return false;
      const body = {
        graph,
        features: {},
        hash: textOf(stored['hash']),
        ...environment,
        conversation_variables: [],
      };
      const answer = await session.send({ method: 'POST', path: draft, content: () => ({ body }), signal });
      await answer.discard();
      if (answer.status === 200) return true;
      if (answer.status === 400) environment = {};
      else if (answer.status !== 409) return false;
    }
    return false;
  }

  async *#read(
    path: string,
    answer: DifyAnswer,
    { signal, close }: { readonly signal: AbortSignal; readonly close: AbortController },
  ): AsyncGenerator<ToolInvokeMessage, void, undefined> {
    let taskId: string | undefined;
    let ended = false;
    const leave = (): void => {
      if (taskId !== undefined) close.abort(signal.reason);
      else after(STOP_MS, () => close.abort(signal.reason), { ref: false });
    };
    const stopListening = onAbort(signal, leave);
    try {
      for await (const event of decodeEvents(answer.body, this.#options.maxEventBytes)) {
        taskId ??= textOf(event['task_id']);
        if (signal.aborted && taskId !== undefined) break;
        const { event: kind, data, message } = event;
        if (kind === 'error') {
          ended = true;
          throw runError(textOf(message) ?? '', answer, WORKFLOW);
        }
        if (kind !== 'workflow_finished') continue;
        ended = true;
        const { status, outputs, error } = objectOf(data);
        yield* messagesOf({ status, error, outputs: withVariables(objectOf(outputs)) }, WORKFLOW, answer);
        return;
      }
    } finally {
      stopListening();
      if (!ended && taskId !== undefined) void this.#stop(path, taskId);
    }
    signal.throwIfAborted();
    throw new BridgeError('stream_broken', "Dify's answer ended before the workflow did.", {
      hint: 'The tool may have run to its end in Dify: check before calling it again.',
    });
  }

  /** Stops a workflow in Dify. Its caller has gone, so nobody waits for the answer. */
  async #stop(path: string, taskId: string): Promise<void> {
    const request = {
      method: 'POST',
      path: `${path}/workflow-runs/tasks/${encodeURIComponent(taskId)}/stop`,
      content: () => ({ body: {} }),
      signal: AbortSignal.any([]),
    } as const;
    await this.#options.session
      .send(request)
      .then((answer) => answer.discard())
      .catch(() => undefined);
  }
}

/** Returns the outputs with the variables of the workflow, which its json message has too. */
function withVariables(outputs: JsonObject): JsonObject {
  const [values] = Array.isArray(outputs['json']) ? (outputs['json'] as readonly unknown[]) : [];
  const { text: _text, json: _json, files: _files, ...variables } = isJsonObject(values) ? values : {};
  const isNothing = Object.keys(variables).length === 1 && Array.isArray(variables['data']);
  return isNothing ? outputs : { ...variables, ...outputs };
}

/** Returns whether a stored graph runs what a graph does. Dify and its editor add fields. */
function isEqual(stored: JsonObject, graph: JsonObject): boolean {
  return JSON.stringify(essenceOf(stored)) === JSON.stringify(essenceOf(graph));
}

function essenceOf({ nodes, edges }: JsonObject): unknown {
  const list = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.map(objectOf) : []);
  return [
    list(nodes).map(({ id, data }) => [id, data]),
    list(edges).map(({ source, target }) => [source, target]),
  ];
}
