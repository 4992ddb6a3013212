import { hash, randomUUID } from 'node:crypto';
import type { JsonObject } from '../model/json.ts';
import { MembershipState, type SandboxMemberships } from './memberships.ts';

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

/** The account's side of the sandbox, which tests can change while it runs. */
export interface SandboxAccount {
  readonly apps: readonly SandboxApp[];
  /** The runs that have started, each with the values that its tool received. */
  readonly runs: readonly {
    readonly appId: string;
    readonly tool: string;
    readonly parameters: JsonObject;
  }[];
  deleteApp(id: string): void;
  /** Replaces an app's draft, as a person does in the editor. */
  editDraft(id: string, change: (graph: JsonObject) => JsonObject): void;
  readonly memberships: SandboxMemberships;
  /** The account's role in its current workspace: only `owner`, `admin` and `editor` may run tools. */
  setRole(role: string): void;
  /** The apps that the plan allows. */
  setAppLimit(apps: number): void;
  /** Makes the next runs answer 429 with these seconds in Retry-After. */
  limitRate(runs: number, seconds: number): void;
  /** The largest upload, in MiB. */
  setUploadLimit(mebibytes: number): void;
  /** The streamed workflows, the oldest first. */
  readonly tasks: readonly SandboxTask[];
  /** Resolves with the next workflow that starts as a stream. */
  nextTask(): Promise<SandboxTask>;
  /** Makes every streamed run answer 403. */
  refuseStreams(): void;
  /** Publishes a newer version of each workflow, while the tools stay at the one that they have. */
  publishWorkflows(): void;
}

/** A workflow that runs as a stream. */
export interface SandboxTask {
  readonly id: string;
  readonly state: 'running' | 'finished' | 'stopped';
  /** Resolves when the workflow has finished or was stopped. */
  readonly ended: Promise<void>;
}

/** The account's side with what the routes need. */
export class AccountState implements SandboxAccount {
  readonly runs: { appId: string; tool: string; parameters: JsonObject }[] = [];
  uploadLimit = 15;
  appLimit = Number.POSITIVE_INFINITY;
  retryAfter = 0;
  streamsAreRefused = false;
  toolsAreSynced = true;
  readonly #waiting: ((task: SandboxTask) => void)[] = [];
  readonly #tasks: RunningTask[] = [];
  readonly #apps = new Map<string, SandboxApp>();
  readonly memberships: MembershipState;
  #limitedRuns = 0;

  constructor(workspace: { readonly id: string; readonly name: string }) {
    this.memberships = new MembershipState(workspace);
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

  editDraft(id: string, change: (graph: JsonObject) => JsonObject): void {
    const app = this.#apps.get(id);
    if (app?.draft === undefined) throw new Error(`The app ${id} has no draft.`);
    app.draft = { ...app.draft, graph: change(app.draft.graph), updatedAt: nowInSeconds() };
  }

  setRole(role: string): void {
    const { current } = this.memberships;
    if (current !== undefined) current.role = role;
  }

  setAppLimit(apps: number): void {
    this.appLimit = apps;
  }

  limitRate(runs: number, seconds: number): void {
    this.#limitedRuns = runs;
    this.retryAfter = seconds;
  }

  setUploadLimit(mebibytes: number): void {
    this.uploadLimit = mebibytes;
  }

  get tasks(): readonly SandboxTask[] {
    return this.#tasks;
  }

  nextTask(): Promise<SandboxTask> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  refuseStreams(): void {
    this.streamsAreRefused = true;
  }

  publishWorkflows(): void {
    this.toolsAreSynced = false;
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
