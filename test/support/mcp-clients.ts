import type { Readable, Writable } from 'node:stream';
import {
  Client as ClientV2,
  LOG_LEVEL_META_KEY,
  StreamableHTTPClientTransport as HttpV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CallToolResultSchema,
  ListResourcesResultSchema,
  LoggingMessageNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { streamTransport } from './stream-transport.ts';
import type { TestAuth } from './test-auth.ts';

/** The clients that the bridge has to serve: two implementations, and both eras for the one that has both. */
export const CLIENT_KINDS = ['v1', 'v2 default', 'v2 auto', 'v2 pinned'] as const;
export type ClientKind = (typeof CLIENT_KINDS)[number];

/** Where a client connects to. */
export type Target =
  | {
      readonly url: string;
      readonly token?: string;
      readonly fetch?: typeof fetch | undefined;
      /** Signs in when the server asks for it. */
      readonly auth?: TestAuth;
    }
  | { readonly command: string; readonly args: readonly string[]; readonly env?: Record<string, string> }
  /** A bridge in this process that reads `stdin` and writes `stdout`. */
  | { readonly stdin: Writable; readonly stdout: Readable };

export interface TestResult {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
  readonly _meta?: Readonly<Record<string, unknown>>;
}

export interface TestProgress {
  readonly progress: number;
  readonly message?: string | undefined;
}

export interface TestPage {
  readonly tools: readonly { readonly name: string }[];
  readonly nextCursor?: string | undefined;
  readonly ttlMs?: unknown;
  readonly cacheScope?: unknown;
}

export interface TestCallOptions {
  readonly onprogress?: (progress: TestProgress) => void;
  readonly signal?: AbortSignal;
  /** Asks for log messages of the call at this level, where the era asks with each request. */
  readonly logLevel?: 'debug' | 'info' | 'error';
  /** Further `_meta` of the request. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** The client gives up after this many milliseconds, and with `resetOnProgress` this long after the last progress. */
  readonly timeoutMs?: number;
  readonly resetOnProgress?: boolean;
}

export interface TestResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string | undefined;
  readonly mimeType?: string | undefined;
  readonly size?: number | undefined;
  readonly description?: string | undefined;
}

export interface TestResourcePage {
  readonly resources: readonly TestResource[];
  readonly nextCursor?: string | undefined;
}

export interface TestContents {
  readonly contents: readonly {
    readonly uri: string;
    readonly mimeType?: string | undefined;
    readonly text?: unknown;
    readonly blob?: unknown;
  }[];
}

/** One surface over the clients, as far as the tests need it. */
export interface TestClient {
  readonly modern: boolean;
  readonly serverVersion: { readonly name: string; readonly version: string } | undefined;
  readonly capabilities: unknown;
  /** What the server tells a model of itself. */
  readonly instructions: string | undefined;
  listPage(cursor?: string): Promise<TestPage>;
  callTool(name: string, args?: Record<string, unknown>, options?: TestCallOptions): Promise<TestResult>;
  listResources(cursor?: string): Promise<TestResourcePage>;
  listTemplates(): Promise<{ readonly resourceTemplates: readonly unknown[] }>;
  readResource(uri: string): Promise<TestContents>;
  /** Log messages so far. */
  readonly logs: readonly {
    readonly level: string;
    readonly data: unknown;
    readonly logger?: string | undefined;
  }[];
  setLogLevel(level: 'debug' | 'info' | 'error'): Promise<void>;
  /** Changes of the list that the client has heard of. */
  readonly listChanges: number;
  /** Resolves at the next change of the list that the client hears of. */
  nextListChange(): Promise<void>;
  /** Errors that the client reported out of band. */
  readonly errors: readonly Error[];
  /** Ends the session where there is one, then the connection. */
  close(): Promise<void>;
}

/** Connects a client. */
export async function connectClient(kind: ClientKind, target: Target): Promise<TestClient> {
  return kind === 'v1' ? connectV1(target) : connectV2(kind, target);
}

function httpOptions(target: Extract<Target, { url: string }>) {
  const headers = target.token === undefined ? {} : { Authorization: `Bearer ${target.token}` };
  const { fetch, auth } = target;
  return {
    requestInit: { headers },
    reconnectionOptions: RECONNECTION,
    ...(fetch && { fetch }),
    ...(auth && { authProvider: auth as never }),
  };
}

/** The options of both SDK clients have the same names. */
function requestOptions({ onprogress, signal, timeoutMs, resetOnProgress }: TestCallOptions) {
  return {
    ...(onprogress && { onprogress }),
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    ...(resetOnProgress !== undefined && { resetTimeoutOnProgress: resetOnProgress }),
  };
}

const RECONNECTION = {
  initialReconnectionDelay: 20,
  maxReconnectionDelay: 100,
  reconnectionDelayGrowFactor: 1.5,
  maxRetries: 5,
};

async function connectV1(target: Target): Promise<TestClient> {
  const http = 'url' in target ? new HttpV1(new URL(target.url), httpOptions(target)) : undefined;
  const transport =
    http ?? ('stdin' in target ? streamTransport(target) : new StdioV1(stdioParameters(target)));
  const client = new ClientV1({ name: 'test-v1', version: '1.0.0' });
  const watch = watcher();
  client.onerror = watch.error;
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => watch.log(params));
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => watch.changed());
  await client.connect(transport);
  return {
    ...watch.surface,
    get listChanges() {
      return watch.changes();
    },
    modern: false,
    serverVersion: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    listPage: (cursor) => client.listTools(cursor === undefined ? {} : { cursor }),
    async callTool(name, args = {}, { meta, ...options } = {}) {
      const params = { name, arguments: args, ...(meta && { _meta: { ...meta } }) };
      return (await client.callTool(params, CallToolResultSchema, requestOptions(options))) as TestResult;
    },
    listResources: (cursor) =>
      client.request(
        { method: 'resources/list', params: cursor === undefined ? {} : { cursor } },
        ListResourcesResultSchema,
      ),
    listTemplates: () => client.listResourceTemplates(),
    readResource: (uri) => client.readResource({ uri }),
    setLogLevel: async (level) => void (await client.setLoggingLevel(level)),
    async close() {
      await http?.terminateSession();
      await client.close();
    },
  };
}

async function connectV2(kind: Exclude<ClientKind, 'v1'>, target: Target): Promise<TestClient> {
  const http = 'url' in target ? new HttpV2(new URL(target.url), httpOptions(target)) : undefined;
  const transport =
    http ?? ('stdin' in target ? streamTransport(target) : new StdioV2(stdioParameters(target)));
  const watch = watcher();
  const negotiation = {
    'v2 default': {},
    'v2 auto': { versionNegotiation: { mode: 'auto' as const } },
    'v2 pinned': { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  }[kind];
  const client = new ClientV2(
    { name: 'test-v2', version: '1.0.0' },
    {
      ...negotiation,
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: watch.changed } },
    },
  );
  client.onerror = watch.error;
  client.setNotificationHandler('notifications/message', ({ params }) => watch.log(params));
  await client.connect(transport);
  const modern = client.getNegotiatedProtocolVersion() === '2026-07-28';
  return {
    ...watch.surface,
    get listChanges() {
      return watch.changes();
    },
    modern,
    serverVersion: client.getServerVersion(),
    capabilities: client.getServerCapabilities(),
    instructions: client.getInstructions(),
    listPage: (cursor) =>
      client.request({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } }),
    callTool: async (name, args = {}, { meta, logLevel, ...options } = {}) =>
      client.callTool(
        {
          name,
          arguments: args,
          _meta: {
            ...meta,
            ...(modern && logLevel !== undefined && { [LOG_LEVEL_META_KEY]: logLevel }),
          },
        },
        requestOptions(options),
      ) as Promise<TestResult>,
    listResources: (cursor) =>
      client.request({ method: 'resources/list', params: cursor === undefined ? {} : { cursor } }),
    listTemplates: () => client.listResourceTemplates(),
    readResource: (uri) => client.readResource({ uri }),
    setLogLevel: async (level) => void (await client.setLoggingLevel(level)),
    async close() {
      if (!modern) await http?.terminateSession();
      await client.close();
    },
  };
}

function stdioParameters(target: Target) {
  if (!('command' in target)) throw new Error('Not a stdio target.');
  const { command, args, env } = target;
  return { command, args: [...args], stderr: 'inherit' as const, ...(env && { env }) };
}

function watcher() {
  const logs: { level: string; data: unknown; logger?: string | undefined }[] = [];
  const errors: Error[] = [];
  const waiting = new Set<() => void>();
  let changes = 0;
  return {
    changes: () => changes,
    error: (error: Error): void => void errors.push(error),
    log: (entry: { level: string; data: unknown; logger?: string | undefined }): void =>
      void logs.push(entry),
    changed: (): void => {
      changes += 1;
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    surface: {
      logs,
      errors,
      nextListChange: () => new Promise<void>((resolve) => waiting.add(resolve)),
    },
  };
}
