import { PassThrough } from 'node:stream';
import { createInterface } from 'node:readline';
import { initializeRequest, modernRequest, openRawSession, raw, type RawMessage } from './raw-http.ts';
import type { Revision } from './revision-shapes.ts';
import type { RunningBridge, TransportName } from './running-bridge.ts';

/** A client of one revision without a library, which would hide what it gets. */
export interface RevisionClient {
  /** Sends a request and waits for its result. Rejects for an error. */
  request(
    method: string,
    params?: Record<string, unknown>,
    options?: RevisionRequest,
  ): Promise<Record<string, unknown>>;
  /** The notifications so far. */
  readonly notifications: readonly RawMessage[];
}

export interface RevisionRequest {
  /** Extensions that the client declares, where the revision has that. */
  readonly extensions?: Record<string, unknown>;
}

/** Connects a client of a revision. */
export function connectRevision(
  bridge: RunningBridge,
  transport: TransportName,
  revision: Revision,
): Promise<RevisionClient> {
  return transport === 'HTTP' ? connectHttpRevision(bridge, revision) : overStdio(bridge, revision);
}

let nextId = 1;

/** A request as the revision has it. */
function messageOf(
  revision: Revision,
  method: string,
  params: Record<string, unknown>,
  { extensions }: RevisionRequest,
) {
  nextId += 1;
  if (revision !== '2026-07-28') return { jsonrpc: '2.0', id: nextId, method, params };
  const { body } = modernRequest(method, params, nextId) as {
    body: { params: { _meta: Record<string, unknown> } };
  };
  if (extensions !== undefined) {
    body.params._meta['io.modelcontextprotocol/clientCapabilities'] = { extensions };
  }
  const _meta = { ...body.params._meta, ...(params['_meta'] as object | undefined) };
  return { ...body, params: { ...body.params, _meta } };
}

/** Connects a client of a revision to what serves at an address. */
export async function connectHttpRevision(
  bridge: Pick<RunningBridge, 'url'>,
  revision: Revision,
): Promise<RevisionClient> {
  const port = Number(new URL(await bridge.url()).port);
  const notifications: RawMessage[] = [];
  const session = revision === '2026-07-28' ? undefined : await openRawSession(port, {}, revision);
  // Clients before 2025-06-18 do not send it.
  if (revision < '2025-06-18') delete session?.['MCP-Protocol-Version'];
  return {
    notifications,
    async request(method, params = {}, options = {}) {
      const name = params['name'] ?? params['uri'] ?? params['taskId'];
      const headers = session ?? {
        ...modernRequest(method).headers,
        ...(typeof name === 'string' && { 'Mcp-Name': name }),
      };
      const body = messageOf(revision, method, params, options);
      const { messages, text } = await raw(port, { headers, body });
      notifications.push(...messages.filter((message) => message.method !== undefined));
      const answer = messages.find((message) => message.method === undefined);
      return resultOf(answer, text);
    },
  };
}

async function overStdio(bridge: RunningBridge, revision: Revision): Promise<RevisionClient> {
  const ends = { stdin: new PassThrough(), stdout: new PassThrough() };
  const waiting = new Map<unknown, (answer: RawMessage) => void>();
  const notifications: RawMessage[] = [];
  createInterface({ input: ends.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as RawMessage;
    if (message.method === undefined) waiting.get(message.id)?.(message);
    else notifications.push(message);
  });
  void bridge.app.serveStdio(ends);
  const send = (message: { readonly id?: unknown }): Promise<RawMessage> =>
    new Promise((resolve) => {
      waiting.set(message.id, resolve);
      ends.stdin.write(`${JSON.stringify(message)}\n`);
    });
  if (revision !== '2026-07-28') {
    await send(initializeRequest(revision));
    ends.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }
  return {
    notifications,
    async request(method, params = {}, options = {}) {
      const answer = await send(messageOf(revision, method, params, options));
      return resultOf(answer, JSON.stringify(answer));
    },
  };
}

function resultOf(answer: RawMessage | undefined, text: string): Record<string, unknown> {
  if (answer?.result === undefined) throw new Error(`No result: ${text}`);
  return answer.result;
}
