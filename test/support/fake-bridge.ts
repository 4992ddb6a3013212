import { setTimeout as delay } from 'node:timers/promises';
import type { CallContext, CallTool, ToolService } from '../../src/model/call.ts';
import type { ToolResult } from '../../src/model/content.ts';
import { BridgeError } from '../../src/model/errors.ts';
import { isJsonObject } from '../../src/model/json.ts';
import type { LogEntry } from '../../src/model/message.ts';
import type { PublishedTool, Registry, RegistrySource } from '../../src/model/registry.ts';

/** A published tool that takes anything. */
export function fakeTool(name: string): PublishedTool {
  return {
    name,
    title: `Tool ${name}`,
    description: `Does ${name}.`,
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    ...(name === 'structured' && { outputSchema: { type: 'object' } }),
    annotations: { openWorldHint: true },
    ref: { providerType: 'builtin', providerId: 'fake', tool: name },
    providerLabel: 'Fake',
    authorized: true,
    fileParameters: [],
    parseArguments: (args) => ({ ok: true, parameters: isJsonObject(args) ? args : {} }),
  };
}

export function fakeRegistry(names: readonly string[]): Registry {
  const tools = names.toSorted().map(fakeTool);
  return {
    tools,
    withheld: [],
    notes: [],
    explanations: new Map(),
    fingerprint: tools.map(({ name }) => name).join(),
    get: (name) => tools.find((tool) => tool.name === name),
  };
}

/** A registry that a test changes. */
export interface FakeSource extends RegistrySource {
  /** Publishes these tools and tells the listeners. */
  publish(names: readonly string[]): void;
  /** Those who wait for the first list get this error. */
  fail(error: BridgeError): void;
  readonly listenerCount: number;
}

export function fakeSource(names?: readonly string[]): FakeSource {
  let registry = names === undefined ? undefined : fakeRegistry(names);
  let failure: BridgeError | undefined;
  const listeners = new Set<(registry: Registry) => void>();
  const waiting = new Set<() => void>();

  return {
    current: () => registry,
    async ready(signal) {
      if (registry === undefined && failure === undefined) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      if (registry !== undefined) return registry;
      signal?.throwIfAborted();
      throw failure ?? new Error('The fake was woken without a reason.');
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    publish(published) {
      registry = fakeRegistry(published);
      for (const listener of listeners) listener(registry);
      for (const resolve of waiting) resolve();
    },
    fail(error) {
      failure = error;
      for (const resolve of waiting) resolve();
    },
    get listenerCount() {
      return listeners.size;
    },
  };
}

export const FAKE_TOOLS = [
  'cancelled_calls',
  'change_list',
  'echo',
  'failing',
  'hang',
  'image',
  'quiet',
  'steps',
  'stretches',
  'structured',
  'throwing',
];

export function fakeLog(label: string, status: string, more: Partial<LogEntry> = {}): LogEntry {
  return { label, status, metadata: {}, ...more };
}

export interface FakeBridge {
  readonly source: FakeSource;
  readonly callTool: CallTool;
  /** Calls of `hang` that wait now. */
  readonly hanging: number;
  /** Calls of `hang` that were cancelled. */
  readonly cancelled: number;
  /** Makes every waiting call of `hang` answer. */
  release(): void;
}

/** Tools that cover what a call can do, and a catalogue that lists them. */
export function fakeBridge(source: FakeSource = fakeSource(FAKE_TOOLS)): FakeBridge {
  const releases = new Set<() => void>();
  const untilEcho = new Set<() => void>();
  let cancelled = 0;

  /** Clients drop progress that reaches them in one read with the result: until they call `echo`, or for a while. */
  async function linger({ until }: Record<string, unknown>, ms: number): Promise<void> {
    if (until === 'echo') await new Promise<void>((resolve) => untilEcho.add(resolve));
    else await delay(ms);
  }

  async function hang({ signal }: CallContext): Promise<ToolResult> {
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        releases.delete(settle);
        resolve();
      };
      releases.add(settle);
      signal.addEventListener('abort', settle, { once: true });
    });
    if (signal.aborted) cancelled += 1;
    return text('released');
  }

  const tools: Record<string, (args: Record<string, unknown>, context: CallContext) => Promise<ToolResult>> =
    {
      echo: async ({ text: value }) => {
        for (const resolve of untilEcho) resolve();
        untilEcho.clear();
        return text(String(value));
      },
      failing: async () => ({ isError: true, content: [{ type: 'text', text: 'Dify said: no.' }] }),
      throwing: async () => {
        throw new Error('a detail that nobody should read');
      },
      image: async () => ({
        content: [
          { type: 'text', text: 'dot.png' },
          { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
        ],
      }),
      structured: async () => ({
        content: [{ type: 'text', text: '{"n":[1,null]}' }],
        structuredContent: { n: [1, null] },
      }),
      hang: (_, context) => hang(context),
      cancelled_calls: async () => text(String(cancelled)),
      quiet: async ({ ms }) => {
        await delay(Number(ms));
        return text('done');
      },
      steps: async (args, { observer }) => {
        observer?.log?.(fakeLog('Search', 'start'));
        observer?.log?.(fakeLog('Search', 'success', { metadata: { elapsed_time: 1.5, provider: 'x' } }));
        observer?.log?.(fakeLog('Rank', 'error', { error: 'no index' }));
        await linger(args, 50);
        return text('stepped');
      },
      stretches: async (args, { observer }) => {
        for (let n = 1; n <= 50; n += 1) observer?.progress?.(`Received ${n} messages`);
        await linger(args, 350);
        return text('streamed');
      },
      change_list: async () => {
        const names = source.current()?.tools.map(({ name }) => name) ?? [];
        source.publish([...names, `added_${names.length}`]);
        return text('changed');
      },
    };

  return {
    source,
    async callTool(name, args, context) {
      const tool = tools[name];
      if (tool === undefined) {
        throw new BridgeError('tool_not_found', `No tool is named ${name}.`, { hint: 'Similar: echo.' });
      }
      return tool(isJsonObject(args) ? args : {}, context);
    },
    get hanging() {
      return releases.size;
    },
    get cancelled() {
      return cancelled;
    },
    release() {
      for (const settle of releases) settle();
    },
  };
}

/** What the protocol side serves of a bridge. */
export function serviceOf(
  { source, callTool }: Pick<FakeBridge, 'source' | 'callTool'>,
  more: Partial<ToolService> = {},
): ToolService {
  return {
    tools: source,
    callTool: async (...call) => ({ kind: 'result', result: await callTool(...call) }),
    ...more,
  };
}

function text(value: string): ToolResult {
  return { content: [{ type: 'text', text: value }] };
}
