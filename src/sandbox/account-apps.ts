import { hash, randomUUID } from 'node:crypto';
import type { JsonObject } from '../model/json.ts';
import { SandboxMemberships } from './memberships.ts';

/** An app of the workspace, with its draft. */
export interface SandboxApp {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly mode: string;
  /** In seconds, like all times of the console. */
  readonly createdAt: number;
  /** Absent before the first save. */
  draft?: SandboxDraft | undefined;
}

export interface SandboxDraft {
  readonly graph: JsonObject;
  readonly features: JsonObject;
  readonly conversationVariables: readonly JsonObject[];
  readonly updatedAt: number;
}

/** A workflow that runs as a stream. */
export interface SandboxTask {
  readonly id: string;
  readonly state: 'running' | 'finished' | 'stopped';
  /** Resolves when the workflow has finished or was stopped. */
  readonly ended: Promise<void>;
}

/** The account's side of the sandbox, which tests can change while it runs. */
export class SandboxAccount {
  /** The runs that have started, each with the values that its tool received. */
  readonly runs: { readonly appId: string; readonly tool: string; readonly parameters: JsonObject }[] = [];
  /** The largest upload, in MiB. */
  uploadLimit = 15;
  /** The most apps that the plan allows. */
  appLimit = Number.POSITIVE_INFINITY;
  /** The seconds in the Retry-After of refused runs. */
  retryAfter = 0;
  /** Whether every streamed run answers 403. */
  streamsAreRefused = false;
  /** False if a newer version of each workflow is published than its tool has. */
  toolsAreSynced = true;
  readonly #waiting: ((task: SandboxTask) => void)[] = [];
  readonly #tasks: RunningTask[] = [];
  readonly #apps = new Map<string, SandboxApp>();
  readonly memberships: SandboxMemberships;
  #limitedRuns = 0;

  constructor(workspace: { readonly id: string; readonly name: string }) {
    this.memberships = new SandboxMemberships(workspace);
  }

  get apps(): readonly SandboxApp[] {
    return [...this.#apps.values()];
  }

  get role(): string {
    return this.memberships.current?.role ?? 'normal';
  }

  get mayEdit(): boolean {
    return ['owner', 'admin', 'editor'].includes(this.role);
  }

  app(id: string): SandboxApp | undefined {
    return this.#apps.get(id);
  }

  create(facts: Pick<SandboxApp, 'name' | 'description' | 'mode'>): SandboxApp {
    const app: SandboxApp = { ...facts, id: randomUUID(), createdAt: nowInSeconds() };
    this.#apps.set(app.id, app);
    return app;
  }

  deleteApp(id: string): void {
    this.#apps.delete(id);
  }

  /** Replaces an app's draft, as a person does in the editor. */
  editDraft(id: string, change: (graph: JsonObject) => JsonObject): void {
    const app = this.#apps.get(id);
    if (app?.draft === undefined) throw new Error(`The app ${id} has no draft.`);
    app.draft = { ...app.draft, graph: change(app.draft.graph), updatedAt: nowInSeconds() };
  }

  /** Changes the role in the current workspace: only `owner`, `admin` and `editor` may run tools. */
  setRole(role: string): void {
    const { current } = this.memberships;
    if (current !== undefined) current.role = role;
  }

  /** Makes the next runs answer 429 with these seconds in Retry-After. */
  limitRate(runs: number, seconds: number): void {
    this.#limitedRuns = runs;
    this.retryAfter = seconds;
  }

  /** The streamed workflows, the oldest first. */
  get tasks(): readonly SandboxTask[] {
    return this.#tasks;
  }

  /** Resolves with the next workflow that starts as a stream. */
  nextTask(): Promise<SandboxTask> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  startTask(): RunningTask {
    const task = new RunningTask();
    this.#tasks.push(task);
    for (const resolve of this.#waiting.splice(0)) resolve(task);
    return task;
  }

  stopTask(id: string): void {
    this.#tasks.find((task) => task.id === id)?.controller.abort();
  }

  /** Uses up one of the runs to refuse. */
  takeLimitedRun(): boolean {
    this.#limitedRuns -= 1;
    return this.#limitedRuns >= 0;
  }
}

class RunningTask implements SandboxTask {
  readonly id = randomUUID();
  readonly controller = new AbortController();
  readonly ended: Promise<void>;
  state: SandboxTask['state'] = 'running';
  #resolve: () => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  end(): void {
    this.state = this.controller.signal.aborted ? 'stopped' : 'finished';
    this.#resolve();
  }
}

/** Returns the hash by which Dify recognises changes of a draft. */
export function hashOf({ graph, features }: SandboxDraft): string {
  return hash('sha256', JSON.stringify({ graph, features }));
}

export function nowInSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
