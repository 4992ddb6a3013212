import { after, onAbort } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import { type Json, type JsonObject, listOf, objectOf, textOf } from '../../model/json.ts';
import { FILE_MARKER, type ToolInvokeMessage } from '../../model/message.ts';
import type { InvokeOptions } from '../../model/ports.ts';
import { writeJson } from '../../model/well-formed.ts';
import type { ConsoleSession } from '../console/session.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { isWebPage, readReply } from '../wire/reply.ts';
import { refusedRun, runError } from './account-errors.ts';
import { decodeEvents } from './event-stream.ts';
import { messagesOf } from './outputs.ts';

/** What runs the workflow of a tool as its app. */
interface WorkflowApp {
  /** The path of the app in Dify's Explore. */
  readonly path: string;
  readonly parameters: readonly JsonObject[];
}

const SETTINGS = '/console/api/workspaces/current/tool-provider/workflow/get?workflow_tool_id=';
const INSTALLED = '/console/api/installed-apps';
/** How long the bridge relies on what it knows of an app: it then notices that a person published a newer version. */
const REREAD_MS = 2000;
/** How long the bridge waits for a workflow's ID after its caller has left. */
const STOP_MS = 10_000;
const NO_TIMEOUT = Number.POSITIVE_INFINITY;

/** Errors inside a workflow name their own providers. */
const WORKFLOW = {
  providerType: 'workflow',
  providerId: 'workflow',
  tool: 'workflow',
  providerLabel: 'The workflow',
} as const;

/**
 * Runs the workflow of a tool as Dify's Explore runs its app: as a stream, which no proxy cuts for being silent, which
 * has the text while it is written, and which can be stopped. Stopping a node that runs a workflow tool would stop the
 * node only: the workflow inside runs to its end.
 */
export class WorkflowRuns {
  readonly #session: ConsoleSession;
  readonly #maxEventBytes: number;
  readonly #rereadMs: number;
  /** The installed apps by the app. */
  readonly #installed = new Map<string, string>();
  /** The apps by the tool, and until when the bridge relies on them, by `performance.now`. */
  readonly #apps = new Map<string, { readonly app: WorkflowApp; readonly until: number }>();

  constructor(session: ConsoleSession, maxEventBytes: number, rereadMs = REREAD_MS) {
    this.#session = session;
    this.#maxEventBytes = maxEventBytes;
    this.#rereadMs = rereadMs;
  }

  /**
   * Starts the workflow of a tool. Resolves with its messages, which end as an invocation does: leaving them early or
   * aborting the signal stops the workflow in Dify. Resolves with undefined, before anything was started, if the app has
   * a newer version than the tool, or if Dify refuses.
   */
  async start(
    toolId: string,
    values: JsonObject,
    { signal, memory, exchange }: Pick<InvokeOptions, 'signal' | 'memory' | 'exchange'>,
  ): Promise<AsyncGenerator<ToolInvokeMessage, void, undefined> | undefined> {
    const app = await this.#appOf(toolId, signal);
    if (app === undefined) return undefined;
    signal.throwIfAborted();
    // A workflow can be stopped only by the ID that its stream begins with, so a caller's abort waits for that.
    const close = new AbortController();
    const stopListening = onAbort(
      signal,
      () => void after(STOP_MS, () => close.abort(signal.reason), { ref: false }),
    );
    const answer = await this.#session
      .send({
        method: 'POST',
        path: `${app.path}/workflows/run`,
        content: () => ({ body: toInputs(values, app.parameters) }),
        signal: close.signal,
        timeoutMs: NO_TIMEOUT,
        exchange,
      })
      .finally(stopListening);
    if (answer.status === 200 && !isWebPage(answer)) {
      return this.#read(app.path, answer, { signal, memory, close });
    }
    const reply = await readReply(answer);
    if (reply.status === 429 || reply.status >= 500 || reply.body === undefined) {
      throw refusedRun(this.#session, answer, reply);
    }
    this.#installed.clear();
    this.#apps.clear();
    return undefined;
  }

  /** Resolves with undefined if the app does not run the version of the tool, or if the account may not run it. */
  async #appOf(toolId: string, signal: AbortSignal): Promise<WorkflowApp | undefined> {
    const known = this.#apps.get(toolId);
    if (known !== undefined && performance.now() < known.until) return known.app;
    const app = await this.#readApp(toolId, signal);
    if (app === undefined) this.#apps.delete(toolId);
    else this.#apps.set(toolId, { app, until: performance.now() + this.#rereadMs });
    return app;
  }

  async #readApp(toolId: string, signal: AbortSignal): Promise<WorkflowApp | undefined> {
    const settings = await this.#get(SETTINGS + encodeURIComponent(toolId), signal);
    const appId = textOf(settings?.['workflow_app_id']);
    if (settings === undefined || appId === undefined || settings['synced'] !== true) return undefined;
    const { parameters } = objectOf(settings['tool']);
    let id = this.#installed.get(appId);
    if (id === undefined) {
      const { installed_apps: apps } = (await this.#get(`${INSTALLED}?app_id=${appId}`, signal)) ?? {};
      const installed = listOf(apps)
        .map(objectOf)
        .find(({ app }) => objectOf(app)['id'] === appId);
      id = textOf(installed?.['id']);
      if (id === undefined) return undefined;
      this.#installed.set(appId, id);
    }
    return { path: `${INSTALLED}/${id}`, parameters: listOf(parameters).map(objectOf) };
  }

  /** Resolves with undefined if Dify refuses the request: the run of the node then says why. */
  async #get(path: string, signal: AbortSignal): Promise<JsonObject | undefined> {
    const answer = await this.#session.send({ method: 'GET', path, signal });
    if (answer.status === 200 && !isWebPage(answer)) return objectOf(await answer.json());
    await answer.discard();
    return undefined;
  }

  async *#read(
    path: string,
    answer: DifyAnswer,
    { signal, memory, close }: Pick<InvokeOptions, 'signal' | 'memory'> & { readonly close: AbortController },
  ): AsyncGenerator<ToolInvokeMessage, void, undefined> {
    let taskId: string | undefined;
    let ended = false;
    const leave = (): void => {
      if (taskId !== undefined) close.abort(signal.reason);
      else after(STOP_MS, () => close.abort(signal.reason), { ref: false });
    };
    const stopListening = onAbort(signal, leave);
    try {
      const options = { maxBytes: this.#maxEventBytes, memory, copiesOf, signal };
      for await (const event of decodeEvents(answer.body, options)) {
        taskId ??= textOf(event['task_id']);
        if (signal.aborted && taskId !== undefined) break;
        const { event: kind, data, message } = event;
        if (kind === 'error') {
          ended = true;
          throw runError(textOf(message) ?? '', answer, WORKFLOW);
        }
        const text = kind === 'text_chunk' ? textOf(objectOf(data)['text']) : undefined;
        if (text !== undefined) yield { type: 'progress', text };
        if (kind !== 'workflow_finished') continue;
        ended = true;
        const { status, outputs, error } = objectOf(data);
        yield* messagesOf({ status, error, outputs: toNodeOutputs(objectOf(outputs)) }, WORKFLOW, answer);
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
      path: `${path}/workflows/tasks/${encodeURIComponent(taskId)}/stop`,
      content: () => ({ body: {} }),
      signal: AbortSignal.any([]),
    } as const;
    await this.#session
      .send(request)
      .then((answer) => answer.discard())
      .catch(() => undefined);
  }
}

/** The result of a run has its outputs as values and as text. Other events are reported and then forgotten. */
function copiesOf({ event }: JsonObject): number {
  return event === 'workflow_finished' ? 2 : 0;
}

/** Returns the values as a workflow tool passes them to its workflow. */
function toInputs(values: JsonObject, parameters: readonly JsonObject[]) {
  const inputs: Record<string, Json> = {};
  let files: Json = [];
  for (const [name, value] of Object.entries(values)) {
    const isSystem = parameters.some((each) => each['name'] === name && each['type'] === 'system-files');
    if (isSystem) files = value ?? [];
    else if (value !== undefined) inputs[name] = value;
  }
  for (const { name, type } of parameters) {
    if (type === 'files' && typeof name === 'string') inputs[name] ??= [];
  }
  return { inputs, files };
}

/** Returns the outputs of a workflow as the node of its tool has them. */
function toNodeOutputs(outputs: JsonObject): JsonObject {
  const files = Object.values(outputs)
    .flat()
    .filter((value): value is JsonObject => objectOf(value)['dify_model_identity'] === FILE_MARKER);
  return { ...outputs, text: spacedJson(outputs), json: [outputs], files };
}

/** Returns JSON as Python writes it, with a space after each comma and colon. */
function spacedJson(value: Json): string {
  // Line feeds inside strings are escaped, so that each one is the indentation's.
  return writeJson(value, 1)
    .replaceAll(/(?<=,)\n */g, ' ')
    .replaceAll(/\n */g, '');
}
