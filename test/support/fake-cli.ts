import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { App, AppOptions, ManifestStatus, View } from '../../src/app/app.ts';
import type { CliIo, CliSignal } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import type { Config } from '../../src/config/schema.ts';
import type { CallObserver, CallTool } from '../../src/model/call.ts';
import type { ToolResult } from '../../src/model/content.ts';
import { BridgeError } from '../../src/model/errors.ts';
import { silentLogger } from '../../src/model/logger.ts';
import type { Registry, RegistrySource, StalePart } from '../../src/model/registry.ts';
import type { DifyTool, ToolParameter, ToolProvider } from '../../src/model/tool.ts';
import { buildRegistry } from '../../src/registry/build.ts';
import { createMemoryBackend } from '../../src/files/backends/memory.ts';
import { createFileStore } from '../../src/files/file-store.ts';

/** The program, as in the folder to which npx fetches it. */
export const FETCHED = join(mkdtempSync(join(tmpdir(), 'bridge-npx-')), '_npx', 'main.js');
mkdirSync(dirname(FETCHED));
writeFileSync(FETCHED, '');

/** A valid environment without a machine's own configuration file. */
export const ENV = {
  HOME: mkdtempSync(join(tmpdir(), 'bridge-home-')),
  DIFY_API_URL: 'http://dify.test:5001',
  DIFY_INNER_API_KEY: 'fake-inner-key',
  DIFY_WORKSPACE_ID: '11111111-2222-4333-8444-555555555555',
  DIFY_ADMIN_API_KEY: 'fake-admin-key',
  DIFY_SECRET_KEY: 'fake-secret-key',
};

function tool(name: string, parameters: readonly Partial<ToolParameter>[] = []): DifyTool {
  return {
    name,
    label: { en_US: `Title of ${name}` },
    description: { en_US: `Does ${name}.` },
    parameters: parameters.map((parameter) => ({
      name: 'city',
      type: 'string',
      form: 'llm',
      required: true,
      label: {},
      humanDescription: {},
      llmDescription: 'A city.',
      options: [],
      ...parameter,
    })),
  };
}

const PROVIDERS: readonly ToolProvider[] = [
  {
    type: 'builtin',
    id: 'acme/weather/weather',
    name: 'weather',
    label: { en_US: 'Weather' },
    description: {},
    authorized: true,
    tools: [tool('now', [{}]), tool('stuck', [{ name: 'team', form: 'form' }])],
  },
  {
    type: 'builtin',
    id: 'acme/post/post',
    name: 'post',
    label: { en_US: 'Post' },
    description: {},
    authorized: false,
    tools: [tool('send')],
  },
];

/** Two published tools, one with an unauthorised provider, and a withheld one. */
export const REGISTRY: Registry = buildRegistry(PROVIDERS, {
  names: 'qualified',
  maxNameLength: 44,
  languages: ['en_US'],
  formParameters: 'preset',
  unauthorized: 'publish',
  deny: [],
  allow: [],
  readOnly: false,
  presets: {},
});

/** How the app behind the command line behaves. */
export interface FakeApp {
  readonly result?: ToolResult | (() => ToolResult | Promise<ToolResult>);
  readonly during?: (observer: CallObserver | undefined, signal: AbortSignal) => Promise<void> | void;
  readonly loadError?: BridgeError;
  readonly serve?: (stop: Promise<void>) => Promise<void>;
  readonly refresh?: () => Promise<void>;
  readonly registry?: Registry;
  /** Views besides the default one. */
  readonly views?: readonly string[];
  readonly stale?: readonly StalePart[];
  readonly lastError?: string;
  readonly manifests?: readonly ManifestStatus[];
}

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly json: () => unknown;
  /** The single line of JSON on standard error. */
  readonly jsonError: () => { readonly error: Record<string, unknown> };
  readonly configs: readonly Config[];
  readonly calls: readonly { readonly name: string; readonly args: unknown }[];
  /** What was done to the app, in order. */
  readonly events: readonly string[];
  readonly exits: readonly (number | undefined)[];
}

export interface CliSetup {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly app?: FakeApp;
  readonly stdin?: string;
  readonly terminal?: boolean;
  /** The width of the terminal; it reports none if absent. */
  readonly columns?: number;
  readonly io?: Partial<CliIo>;
  /** Called when the app is made, with what it is made from besides the configuration. */
  readonly onCreate?: (options: AppOptions) => void;
  /** Called when the app has been started, with a way to send signals. */
  readonly onStart?: (send: (signal: CliSignal) => void) => void;
}

/** Runs the command line in this process against a fake app. */
export async function cli(argv: readonly string[], setup: CliSetup = {}): Promise<CliRun> {
  const out: string[] = [];
  const err: string[] = [];
  const configs: Config[] = [];
  const calls: { name: string; args: unknown }[] = [];
  const events: string[] = [];
  const exits: (number | undefined)[] = [];
  const listeners = new Map<CliSignal, Set<() => void>>();
  const send = (signal: CliSignal): void => {
    for (const listener of listeners.get(signal) ?? []) listener();
  };
  const terminal = setup.terminal === true;
  const stdin = Object.assign(Readable.from([Buffer.from(setup.stdin ?? '')]), { isTTY: terminal });
  const io: CliIo = {
    stdin,
    stdout: { isTTY: terminal, columns: setup.columns, write: (text) => out.push(text) },
    stderr: { isTTY: terminal, columns: setup.columns, write: (text) => err.push(text) },
    // The sockets of `serve` are not among those of this machine.
    env: { TMPDIR: ENV.HOME, ...(setup.env ?? ENV) },
    program: { node: process.execPath, script: FETCHED },
    onSignal: (name, listener) => {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => void set.delete(listener);
    },
    onFault: () => () => undefined,
    exitNow: (code) => void exits.push(code),
    createApp: async (config, options) => {
      configs.push(config);
      setup.onCreate?.(options);
      events.push('create');
      return createFakeApp(setup.app ?? {}, calls, events, () => setup.onStart?.(send));
    },
    createPrompter: () => Promise.reject(new Error('This test has nobody to ask.')),
    ...setup.io,
  };
  const code = await runCli(argv, io);
  const left = [...listeners.values()].reduce((sum, set) => sum + set.size, 0);
  if (left > 0) throw new Error(`${left} signal listeners were left behind.`);
  const [stdout, stderr] = [out.join(''), err.join('')];
  return {
    code,
    stdout,
    stderr,
    json: () => JSON.parse(stdout) as unknown,
    jsonError: () => {
      const lines = stderr.split('\n');
      if (lines.length !== 2 || lines[1] !== '') throw new Error(`Not one line: ${stderr}`);
      return JSON.parse(lines[0] ?? '') as { readonly error: Record<string, unknown> };
    },
    configs,
    calls,
    events,
    exits,
  };
}

/** An app that does what a test says. */
export function createFakeApp(
  behaviour: FakeApp,
  calls: { name: string; args: unknown }[] = [],
  events: string[] = [],
  onStart: () => void = () => undefined,
): App {
  const registry = behaviour.registry ?? REGISTRY;
  let stop = (): void => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const callTool: CallTool = async (name, args, { signal, observer }) => {
    calls.push({ name, args });
    if (registry.get(name) === undefined) throw new BridgeError('tool_not_found', `No tool ${name}.`);
    await behaviour.during?.(observer, signal);
    const { result = { content: [{ type: 'text', text: 'sunny' }] } } = behaviour;
    return typeof result === 'function' ? result() : result;
  };
  const served = behaviour.serve ?? ((until) => until);
  const source: RegistrySource = {
    current: () => registry,
    ready: async () => {
      if (behaviour.loadError !== undefined) throw behaviour.loadError;
      return registry;
    },
    onChange: () => () => undefined,
  };
  const view = (name: string): View => ({
    name,
    registry: source,
    tools: source,
    callTool: async (...call) => ({ kind: 'result', result: await callTool(...call) }),
    mode: 'list',
  });
  return {
    views: new Map(['default', ...(behaviour.views ?? [])].map((name) => [name, view(name)])),
    registry: source,
    callTool,
    files: createFileStore({
      backend: createMemoryBackend(),
      maxBytes: 1000,
      ttlMs: 1000,
      logger: silentLogger,
    }),
    status: () => ({
      listing: {
        providers: PROVIDERS,
        problems: [{ providerType: 'mcp', message: 'Dify could not list mcp tools.' }],
      },
      loadedAt: new Date(),
      lastError: behaviour.lastError,
      stale: behaviour.stale ?? [],
    }),
    credentials: async () => undefined,
    manifests: () => behaviour.manifests ?? [],
    start: () => {
      events.push('start');
      onStart();
    },
    refresh: async () => {
      events.push('refresh');
      await behaviour.refresh?.();
    },
    reload: async () => {
      events.push('reload');
      return { needRestart: [] };
    },
    serveStdio: ({ view: name } = {}) => {
      events.push(name === undefined ? 'stdio' : `stdio ${name}`);
      return served(stopped);
    },
    serveHttp: async () => {
      events.push('http');
      const others = (behaviour.views ?? []).map((name) => `http://127.0.0.1:8080/mcp/${name}`);
      return { url: 'http://127.0.0.1:8080/mcp', others, closed: served(stopped) };
    },
    close: async (graceMs) => {
      events.push(`close ${graceMs}`);
      stop();
    },
  };
}
