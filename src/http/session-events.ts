import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** The SDK's name for the stream of a session with messages that belong to no request. */
const STANDALONE_STREAM = '_GET_stream';

/** The memory that the sessions of a host share for resuming lost connections. */
export interface EventBudget {
  bytes: number;
  readonly maxTotalBytes: number;
  /** Of one session. */
  readonly maxSessionBytes: number;
  /** Of one session. */
  readonly maxEvents: number;
}

export function createEventBudget(limits: Partial<Omit<EventBudget, 'bytes'>> = {}): EventBudget {
  const MIB = 1024 * 1024;
  return { bytes: 0, maxTotalBytes: 64 * MIB, maxSessionBytes: 4 * MIB, maxEvents: 256, ...limits };
}

interface StoredEvent {
  readonly number: number;
  readonly message: JSONRPCMessage;
  readonly bytes: number;
}

interface Stream {
  readonly events: StoredEvent[];
  /** The ID of the request that was answered on it. */
  answered?: unknown;
}

/** The recent events of one session, in memory. When a limit is reached, the oldest are dropped. */
export class SessionEvents implements EventStore {
  readonly #budget: EventBudget;
  readonly #streams = new Map<string, Stream>();
  /** The stream of each stored event, the oldest first. Some of the events have been dropped. */
  readonly #order: string[] = [];
  readonly #streamByRequest = new Map<unknown, string>();
  /** Messages that end their stream. */
  readonly #endings = new WeakSet<JSONRPCMessage>();
  /** Begins above all numbers that the session used before it was made again, in this process or an earlier one. */
  #count = Date.now() * 1000;
  #bytes = 0;
  #deliveredBefore = new Set<string>();
  #deliveredNow = new Set<string>();

  constructor(budget: EventBudget) {
    this.#budget = budget;
  }

  async storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    if (this.#endings.has(message)) {
      this.#forget(streamId);
      return '';
    }
    const bytes = weigh(message);
    this.#count += 1;
    const stream = this.#streams.get(streamId) ?? { events: [] };
    this.#streams.set(streamId, stream);
    if ('id' in message && !('method' in message)) {
      stream.answered = message.id;
      this.#streamByRequest.set(message.id, streamId);
    }
    if (this.#makeSpace(bytes)) {
      stream.events.push({ number: this.#count, message, bytes });
      this.#order.push(streamId);
      this.#bytes += bytes;
      this.#budget.bytes += bytes;
    }
    return `${streamId}/${this.#count}`;
  }

  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return parseEventId(eventId)?.streamId;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: Parameters<EventStore['replayEventsAfter']>[1],
  ): Promise<string> {
    const last = parseEventId(lastEventId);
    if (last === undefined) throw new Error('The event id is not one of this session.');
    for (const { number, message } of this.#streams.get(last.streamId)?.events ?? []) {
      // The event that opens a stream is empty and carries nothing to repeat.
      if (number > last.number && 'jsonrpc' in message) await send(`${last.streamId}/${number}`, message);
    }
    return last.streamId;
  }

  /** Returns whether a client can resume after this event: other events follow, or may still follow. */
  canResume(eventId: string): boolean {
    const last = parseEventId(eventId);
    if (last === undefined) return false;
    const stream = this.#streams.get(last.streamId);
    // Some clients reconnect after an error as an answer, repeatedly if they find a stream.
    if (stream?.answered !== undefined) return stream.events.some(({ number }) => number > last.number);
    return last.streamId === STANDALONE_STREAM || stream !== undefined;
  }

  /** Marks a message whose delivery ends its stream. From then on, no event of the stream is stored. */
  dropStreamAt(message: JSONRPCMessage): void {
    this.#endings.add(message);
  }

  /** Records that this request's answer was sent. Its stream is dropped at the second `sweep` from now. */
  delivered(requestId: unknown): void {
    const streamId = this.#streamByRequest.get(requestId);
    if (streamId !== undefined) this.#deliveredNow.add(streamId);
  }

  /** The answer to this request reached its client without its stream, which is dropped. */
  discard(requestId: unknown): void {
    const streamId = this.#streamByRequest.get(requestId);
    if (streamId !== undefined) this.#forget(streamId);
  }

  sweep(): void {
    for (const streamId of this.#deliveredBefore) this.#forget(streamId);
    this.#deliveredBefore = this.#deliveredNow;
    this.#deliveredNow = new Set();
  }

  /** Drops everything and returns the memory to the budget. */
  clear(): void {
    for (const streamId of this.#streams.keys()) this.#forget(streamId);
    this.#order.length = 0;
  }

  #makeSpace(bytes: number): boolean {
    const { maxEvents, maxSessionBytes, maxTotalBytes } = this.#budget;
    if (bytes > maxSessionBytes) return false;
    while (
      this.#order.length >= maxEvents ||
      this.#bytes + bytes > maxSessionBytes ||
      this.#budget.bytes + bytes > maxTotalBytes
    ) {
      const oldest = this.#order.shift();
      if (oldest === undefined) return false;
      const stream = this.#streams.get(oldest);
      this.#release(stream?.events.shift());
      // A stream without its answer can be resumed even without its first events.
      if (stream?.events.length === 0 && stream.answered !== undefined) this.#forget(oldest);
    }
    return true;
  }

  #forget(streamId: string): void {
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    for (const event of stream.events) this.#release(event);
    this.#streams.delete(streamId);
    this.#deliveredBefore.delete(streamId);
    this.#deliveredNow.delete(streamId);
    if (this.#streamByRequest.get(stream.answered) === streamId)
      this.#streamByRequest.delete(stream.answered);
  }

  #release(event: StoredEvent | undefined): void {
    if (event === undefined) return;
    this.#bytes -= event.bytes;
    this.#budget.bytes -= event.bytes;
  }
}

function parseEventId(eventId: string): { readonly streamId: string; readonly number: number } | undefined {
  const [, streamId, number] = /^(.+)\/(\d+)$/.exec(eventId) ?? [];
  return streamId === undefined ? undefined : { streamId, number: Number(number) };
}

/** Estimates the memory of a message in bytes, which is cheaper than serialising it again. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 16 + value.length;
  if (typeof value !== 'object' || value === null) return 8;
  let sum = 32;
  for (const item of Object.values(value)) sum += weigh(item);
  return sum;
}
