import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** The stream of a session that carries what belongs to no request; the SDK's own name for it. */
const STANDALONE_STREAM = '_GET_stream';

/** What one session keeps at most, so that a client that lost its connection can ask again. */
const MAX_EVENTS = 256;
const MAX_SESSION_BYTES = 4 * 1024 * 1024;
const MAX_TOTAL_BYTES = 64 * 1024 * 1024;

/** Memory that the sessions of a host share. */
export interface EventBudget {
  bytes: number;
  readonly maxTotalBytes: number;
  readonly maxSessionBytes: number;
  readonly maxEvents: number;
}

export function createEventBudget(limits: Partial<Omit<EventBudget, 'bytes'>> = {}): EventBudget {
  return {
    bytes: 0,
    maxTotalBytes: limits.maxTotalBytes ?? MAX_TOTAL_BYTES,
    maxSessionBytes: limits.maxSessionBytes ?? MAX_SESSION_BYTES,
    maxEvents: limits.maxEvents ?? MAX_EVENTS,
  };
}

interface StoredEvent {
  readonly number: number;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

/** The recent events of one session, in memory; the oldest go when a limit is reached. */
export interface SessionEvents extends EventStore {
  /** Whether a client that names this event can still be served: something follows it, or may yet. */
  canResume(eventId: string): boolean;
  /** A message whose arrival ends its stream: no event of the stream is kept. */
  dropStreamAt(message: JSONRPCMessage): void;
  /** The answer to this request was handed to its client: its stream is dropped at the second `sweep` from now. */
  delivered(requestId: unknown): void;
  sweep(): void;
  /** Drops everything and gives the memory back to the budget. */
  clear(): void;
}

interface Stream {
  readonly events: StoredEvent[];
  /** Id of the request that was answered on it. */
  answered?: unknown;
}

export function createSessionEvents(budget: EventBudget): SessionEvents {
  const streams = new Map<string, Stream>();
  /** The stream of each event that was stored, oldest first; some of them are gone. */
  const order: string[] = [];
  const streamByRequest = new Map<unknown, string>();
  const endings = new WeakSet<JSONRPCMessage>();
  let count = 0;
  let bytes = 0;
  let deliveredBefore = new Set<string>();
  let deliveredNow = new Set<string>();

  function release(event: StoredEvent | undefined): void {
    if (event === undefined) return;
    bytes -= event.bytes;
    budget.bytes -= event.bytes;
  }

  function forget(streamId: string): void {
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    for (const event of stream.events) release(event);
    streams.delete(streamId);
    deliveredBefore.delete(streamId);
    deliveredNow.delete(streamId);
    if (streamByRequest.get(stream.answered) === streamId) streamByRequest.delete(stream.answered);
  }

  function makeRoom(size: number): boolean {
    if (size > budget.maxSessionBytes) return false;
    while (
      order.length >= budget.maxEvents ||
      bytes + size > budget.maxSessionBytes ||
      budget.bytes + size > budget.maxTotalBytes
    ) {
      const oldest = order.shift();
      if (oldest === undefined) return false;
      const stream = streams.get(oldest);
      release(stream?.events.shift());
      // A stream that still waits for its answer can be resumed without its first events.
      if (stream?.events.length === 0 && stream.answered !== undefined) forget(oldest);
    }
    return true;
  }

  return {
    async storeEvent(streamId, message) {
      if (endings.has(message)) {
        forget(streamId);
        return '';
      }
      const size = weigh(message);
      count += 1;
      const stream = streams.get(streamId) ?? { events: [] };
      streams.set(streamId, stream);
      if ('id' in message && !('method' in message)) {
        stream.answered = message.id;
        streamByRequest.set(message.id, streamId);
      }
      if (makeRoom(size)) {
        stream.events.push({ number: count, message, bytes: size });
        order.push(streamId);
        bytes += size;
        budget.bytes += size;
      }
      return `${streamId}/${count}`;
    },

    getStreamIdForEventId: async (eventId) => parseEventId(eventId)?.streamId,

    async replayEventsAfter(lastEventId, { send }) {
      const last = parseEventId(lastEventId);
      if (last === undefined) throw new Error('The event id is not one of this session.');
      for (const { number, message } of streams.get(last.streamId)?.events ?? []) {
        // The event that opens a stream is empty and carries nothing to repeat.
        if (number > last.number && 'jsonrpc' in message) await send(`${last.streamId}/${number}`, message);
      }
      return last.streamId;
    },

    canResume(eventId) {
      const last = parseEventId(eventId);
      if (last === undefined) return false;
      const stream = streams.get(last.streamId);
      // Some clients come back for more after an answer that is an error, time and again if they find a stream.
      if (stream?.answered !== undefined) return stream.events.some(({ number }) => number > last.number);
      return last.streamId === STANDALONE_STREAM || stream !== undefined;
    },

    dropStreamAt: (message) => void endings.add(message),

    delivered(requestId) {
      const streamId = streamByRequest.get(requestId);
      if (streamId !== undefined) deliveredNow.add(streamId);
    },

    sweep() {
      for (const streamId of deliveredBefore) forget(streamId);
      deliveredBefore = deliveredNow;
      deliveredNow = new Set();
    },

    clear() {
      for (const streamId of streams.keys()) forget(streamId);
      order.length = 0;
    },
  };
}

function parseEventId(eventId: string): { readonly streamId: string; readonly number: number } | undefined {
  const [, streamId, number] = /^(.+)\/(\d+)$/.exec(eventId) ?? [];
  return streamId === undefined ? undefined : { streamId, number: Number(number) };
}

/** Roughly the memory that a message holds, in bytes: cheaper than serialising it once more. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 32;
  for (const item of Object.values(value)) sum += weigh(item);
  return sum;
}
