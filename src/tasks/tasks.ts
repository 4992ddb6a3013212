import type { Caller } from '../calls/caller.ts';
import type { CallRequest } from '../calls/running-call.ts';
import { settlesWithin } from '../model/async.ts';
import { BridgeError, type ErrorCode } from '../model/errors.ts';
import { type Logger, silentLogger } from '../model/logger.ts';
import type { SharedCalls } from '../model/shared-calls.ts';
import { keyConflict, type WorkKey, workKey } from './idempotency.ts';
import { LocalTask } from './local-task.ts';
import { Sharing } from './sharing.ts';
import { StoredResults } from './stored-results.ts';
import { newCallId, type Owner, type Task } from './task.ts';

/** Codes after which the tool may have run, so that a second call with the same key must not start it again. */
const MAY_HAVE_RUN: readonly ErrorCode[] = [
  'tool_failed',
  'upstream_error',
  'stream_broken',
  'frame_too_large',
  'deadline_exceeded',
];

/** How often to try to take a key when the call that has it turns out to be cancelled. */
const MAX_CLAIMS = 5;

export interface TasksOptions {
  readonly caller: Pick<Caller, 'start'>;
  /** How long a result is stored after the call ends, in milliseconds. */
  readonly keepMs: number;
  /** The most bytes of all stored results. */
  readonly maxBytes: number;
  /** The calls of all replicas. Without it, this process is the only one. */
  readonly shared?: SharedCalls | undefined;
  /** Logs failures to reach the other replicas. */
  readonly logger?: Logger | undefined;
}

export interface TaskRequest {
  readonly call: CallRequest;
  readonly owner: Owner;
  /** The caller's key for this piece of work. Without one, each request starts a new task. */
  readonly idempotencyKey?: string | undefined;
}

/** The tasks of all views. Only its owner can find a task. */
export class Tasks {
  readonly keepMs: number;
  readonly #caller: Pick<Caller, 'start'>;
  readonly #tasks = new Map<string, LocalTask>();
  readonly #byKey = new Map<string, { readonly task: LocalTask; readonly argumentsDigest: string }>();
  readonly #scopes = new Map<LocalTask, string>();
  /** Claims in progress, by scope. */
  readonly #claims = new Map<string, Promise<Task>>();
  readonly #stored: StoredResults;
  readonly #sharing: Sharing | undefined;
  #closed = false;

  constructor({ caller, keepMs, maxBytes, shared, logger = silentLogger }: TasksOptions) {
    this.keepMs = keepMs;
    this.#caller = caller;
    this.#stored = new StoredResults({ keepMs, maxBytes, onExpiry: (task) => this.#forget(task) });
    if (shared === undefined) return;
    this.#sharing = new Sharing({
      shared,
      keepMs,
      maxBytes,
      logger,
      own: (callId) => this.#tasks.get(callId),
      onStored: (task) => {
        this.#stored.forget(task);
        this.#forget(task);
      },
    });
  }

  /**
   * Resolves with the task that has the same idempotency key, otherwise with a new one, and counts the request as
   * waiting for it. Rejects with `invalid_arguments` if the key is malformed or was used with other arguments, and with
   * `state_unavailable` if the other replicas cannot be asked for the key.
   */
  async start(request: TaskRequest): Promise<Task> {
    const { call, owner, idempotencyKey } = request;
    const { name } = call.tool;
    const key = idempotencyKey === undefined ? undefined : workKey(owner, name, idempotencyKey, call.args);
    let task: Task | undefined = key && this.#known(key, name);
    if (key === undefined || this.#sharing === undefined) task ??= this.#begin(request, key);
    else task ??= await this.#claimInTurn(this.#sharing, request, key);
    task.addWaiter();
    return task;
  }

  /** Detaches a task from a request. Resolves when the other replicas can find it, or cannot be reached. */
  async detach(task: Task): Promise<void> {
    task.detach();
    const own = this.#tasks.get(task.id);
    if (own !== undefined && !own.isOver) await this.#sharing?.share(own);
  }

  /**
   * Resolves with a task that was detached or has a key, or with undefined if it is unknown or has another owner.
   * Rejects with `state_unavailable` if another replica may have it and cannot be asked.
   */
  async find(id: string, owner: Owner): Promise<Task | undefined> {
    const task = this.#tasks.get(id);
    if (task === undefined) return this.#sharing?.find(id, owner);
    return isOwner(task, owner) ? task : undefined;
  }

  /** Cancels the running calls of a view, those of one principal if it is named. */
  cancelAll(view: string, principal?: string): void {
    for (const task of this.#tasks.values()) {
      const { owner } = task;
      if (!task.isOver && isOwner(task, { view, principal: principal ?? owner.principal }))
        void task.cancel();
    }
  }

  /** Resolves when no task of the view is running, after `timeoutMs` at the latest. */
  async idle(view: string, timeoutMs: number): Promise<void> {
    const running = [...this.#tasks.values()].filter((task) => !task.isOver && task.owner.view === view);
    if (running.length === 0) return;
    await settlesWithin(Promise.all(running.map(({ ended }) => ended)), timeoutMs);
  }

  /** Forgets all tasks. Results in the shared store remain. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sharing?.close();
    this.#stored.clear();
    this.#tasks.clear();
    this.#byKey.clear();
    this.#scopes.clear();
  }

  #begin({ call, owner }: TaskRequest, key?: WorkKey, id = newCallId()): LocalTask {
    const task = new LocalTask(id, owner, this.#caller, call);
    this.#tasks.set(id, task);
    if (key !== undefined) {
      this.#scopes.set(task, key.scope);
      this.#byKey.set(key.scope, { task, argumentsDigest: key.argumentsDigest });
      void this.#sharing?.share(task, key);
    }
    void task.ended.then(() => this.#settle(task));
    return task;
  }

  /** Returns this process's task for the same piece of work. Throws if the key was used with other arguments. */
  #known(key: WorkKey, tool: string): LocalTask | undefined {
    const found = this.#byKey.get(key.scope);
    // A cancelled task will have no result to share.
    if (found === undefined || found.task.state().status === 'cancelled') return undefined;
    if (found.argumentsDigest !== key.argumentsDigest) throw keyConflict(tool);
    return found.task;
  }

  /** Resolves with the task that has the key on any replica, or a new one. Requests for one key take turns. */
  async #claimInTurn(sharing: Sharing, request: TaskRequest, key: WorkKey): Promise<Task> {
    const claims = this.#claims;
    for (let before = claims.get(key.scope); before !== undefined; before = claims.get(key.scope)) {
      await before.catch(() => undefined);
      const own = this.#known(key, request.call.tool.name);
      if (own !== undefined) return own;
    }
    const claiming = this.#claim(sharing, request, key);
    claims.set(key.scope, claiming);
    return claiming.finally(() => claims.delete(key.scope));
  }

  async #claim(sharing: Sharing, request: TaskRequest, key: WorkKey): Promise<Task> {
    const { owner, call } = request;
    const tool = call.tool.name;
    let insteadOf: string | undefined;
    for (let attempt = 0; attempt < MAX_CLAIMS; attempt += 1) {
      const id = newCallId();
      const other = await sharing.claim({ id, tool, owner }, key, insteadOf);
      if (other === undefined) return this.#begin(request, key, id);
      if (other.argumentsDigest !== key.argumentsDigest) throw keyConflict(tool);
      const found = this.#tasks.get(other.callId) ?? (await sharing.find(other.callId, owner));
      if (found !== undefined && found.state().status !== 'cancelled') return found;
      insteadOf = other.callId;
    }
    const message = 'The idempotency key could not be taken: each call that had it was cancelled.';
    throw new BridgeError('busy', message, { hint: 'Nothing was sent to Dify. Call again in a moment.' });
  }

  #settle(task: LocalTask): void {
    const { failure } = task;
    const mayHaveRun = failure === undefined || MAY_HAVE_RUN.includes(failure.code);
    if (!mayHaveRun) {
      this.#forgetKey(task);
      this.#sharing?.loseKey(task);
    }
    const isShared = this.#sharing?.has(task) === true;
    if (!this.#closed && (task.isDetached || this.#scopes.has(task) || isShared)) this.#stored.store(task);
    else this.#forget(task);
    if (isShared) void this.#sharing?.changed(task);
  }

  #forget(task: LocalTask): void {
    this.#tasks.delete(task.id);
    this.#forgetKey(task);
  }

  #forgetKey(task: LocalTask): void {
    const scope = this.#scopes.get(task);
    this.#scopes.delete(task);
    if (scope !== undefined && this.#byKey.get(scope)?.task === task) this.#byKey.delete(scope);
  }
}

function isOwner({ owner }: LocalTask, { view, principal }: Owner): boolean {
  return owner.view === view && owner.principal === principal;
}
