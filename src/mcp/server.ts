import { type Server, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import type { ToolService } from '../model/call.ts';
import type { Logger } from '../model/logger.ts';
import { CheckedServer } from './checked-server.ts';
import { MODERN_REVISION } from './incoming.ts';
import { withProtocolErrors } from './protocol-error.ts';
import { RESOURCE_CACHE_HINTS, type ResourceOptions, serveResources } from './resources.ts';
import { RunningCalls } from './running-calls.ts';
import { serveTasks, TASKS_EXTENSION } from './tasks.ts';
import { answerToolsCall } from './tools-call.ts';
import { ToolPages } from './tools-list.ts';
import { vocabularyOf } from './vocabulary.ts';

export interface BridgeServerOptions {
  readonly service: ToolService;
  readonly logger: Logger;
  /** Name and version that the bridge sends to clients. */
  readonly info: { readonly name: string; readonly title?: string; readonly version: string };
  /** The stored files. Without them the bridge offers no resources. */
  readonly resources?: ResourceOptions | undefined;
  /** Tools on one page of tools/list. Default: all. */
  readonly pageSize?: number | undefined;
  /** The longest time without a message to a client that asked for progress, in milliseconds. */
  readonly progressIntervalMs: number;
  /** How long a client of the 2026 revision may cache the list, in milliseconds. */
  readonly listTtlMs: number;
}

/** The clients that a server is for. */
export interface ServerFor {
  readonly era: 'legacy' | 'modern';
}

/** Creates the protocol servers of one view: one for each connection, session or request of either era. */
export interface ServerFactory {
  (context: ServerFor): Server;
  /** Resolves when no tool call is running, with or without a server, after `timeoutMs` at the latest. */
  idle(timeoutMs: number): Promise<void>;
}

/**
 * Returns the factory for all transports. The servers share the catalogue and everything derived from it, so that a new
 * one costs a few microseconds. `initialize` and `server/discover` never wait for the catalogue; tools/list does.
 */
export function createServerFactory(options: BridgeServerOptions): ServerFactory {
  const { service, logger, info, pageSize, listTtlMs, resources } = options;
  const { tools: list, detached } = service;
  const toolPages = new ToolPages(pageSize);
  const calls = new RunningCalls();

  const createServer = ({ era }: ServerFor): Server => {
    const tasks = era === 'modern' ? detached : undefined;
    const server = new CheckedServer(
      { ...info },
      {
        capabilities: {
          tools: { listChanged: true },
          ...(resources !== undefined && { resources: {} }),
          logging: {},
          ...(tasks !== undefined && { extensions: { [TASKS_EXTENSION]: {} } }),
        },
        ...(era === 'modern' && {
          supportedProtocolVersions: [MODERN_REVISION, ...SUPPORTED_PROTOCOL_VERSIONS],
        }),
        ...(service.instructions !== undefined && { instructions: service.instructions }),
        cacheHints: {
          'tools/list': { ttlMs: listTtlMs, cacheScope: 'private' },
          ...(resources !== undefined && RESOURCE_CACHE_HINTS),
        },
      },
    );
    server.setRequestHandler('tools/list', ({ method, params }, { mcpReq }) =>
      withProtocolErrors(method, logger, async () => {
        const tools = list.current() ?? (await list.ready(mcpReq.signal));
        return toolPages.page(tools, params?.cursor, vocabularyOf(server));
      }),
    );
    server.setRequestHandler('tools/call', (request, context) =>
      calls.track(() => {
        const client = server.getClientVersion();
        const protocolVersion = server.getNegotiatedProtocolVersion();
        const facts = { vocabulary: vocabularyOf(server), client, protocolVersion };
        return answerToolsCall(options, request, context, facts);
      }),
    );
    if (tasks !== undefined) serveTasks(server, { calls: tasks, list, logger });
    if (resources !== undefined) serveResources(server, resources, logger);
    server.onerror = (error) => logger.debug('Protocol error', { error });
    return server;
  };

  return Object.assign(createServer, {
    async idle(timeoutMs: number) {
      const deadline = performance.now() + timeoutMs;
      await detached?.idle(timeoutMs);
      await calls.idle(Math.max(0, deadline - performance.now()));
    },
  });
}
