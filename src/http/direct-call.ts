import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage, JSONRPCRequest } from '@modelcontextprotocol/server';
import { type Incoming, isRequest, paramsProblem } from '../mcp/incoming.ts';
import { after, type Stop } from '../model/async.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { type AnswerForm, BRIEF_MS, sendAnswer, sendResponse } from './web-exchange.ts';

/**
 * How a direct call goes on. `answer`: as JSON. `stream`: its answer takes long, or something has to be sent before.
 * `none`: no answer follows, because the client cancelled the call or its session has ended.
 */
export type DirectOutcome =
  | { readonly kind: 'answer'; readonly answer: JSONRPCMessage }
  | { readonly kind: 'stream' }
  | { readonly kind: 'none' };

/**
 * A tools/call that the server got without the SDK's Request, Response and stream, which cost more than the call itself.
 * If JSON cannot be the answer, the SDK's stream is opened afterwards, and messages wait for that.
 */
export class DirectCall {
  readonly outcome: Promise<DirectOutcome>;
  readonly #opened: Promise<void>;
  readonly #stopTimer: Stop;
  #settle: (outcome: DirectOutcome) => void = () => undefined;
  #open: () => void = () => undefined;
  #isStream = false;

  constructor() {
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
    this.#opened = new Promise((resolve) => (this.#open = resolve));
    this.#stopTimer = after(BRIEF_MS, () => this.#becomeStream());
  }

  /**
   * Takes a message to the client. Resolves with true when the message has to be sent on the stream, with false if the
   * answer goes out as JSON.
   */
  async mustStream(message: JSONRPCMessage): Promise<boolean> {
    if (!this.#isStream && isAnswer(message)) {
      this.#stopTimer();
      this.#settle({ kind: 'answer', answer: message });
      return false;
    }
    this.#becomeStream();
    await this.#opened;
    return true;
  }

  /** Ends the call without an answer. Returns false if that is up to its stream. */
  end(): boolean {
    if (this.#isStream) return false;
    this.#stopTimer();
    this.#settle({ kind: 'none' });
    return true;
  }

  /** The stream is open, or cannot be opened. */
  opened(): void {
    this.#open();
  }

  #becomeStream(): void {
    this.#stopTimer();
    this.#isStream = true;
    this.#settle({ kind: 'stream' });
  }
}

/** Returns a message that is a well-formed tools/call whose answer may be JSON. */
export function directCallIn(message: Incoming | undefined, form: AnswerForm): JSONRPCRequest | undefined {
  if (form !== 'brief' || message === undefined || !('method' in message) || !isRequest(message))
    return undefined;
  const isCall = message.method === 'tools/call' && paramsProblem('tools/call', message.params) === undefined;
  return isCall ? message : undefined;
}

export interface DirectSendOptions {
  readonly openStream: () => Promise<Response>;
  readonly sessionId?: string | undefined;
  readonly memory: OutgoingMemory;
}

/** Sends what becomes of a direct call. Resolves when that is done or the client has gone. */
export async function sendDirect(
  res: ServerResponse,
  call: DirectCall,
  { openStream, sessionId, memory }: DirectSendOptions,
): Promise<void> {
  const outcome = await call.outcome;
  if (outcome.kind === 'stream') {
    const response = await openStream().finally(() => call.opened());
    await sendResponse(res, response, { form: 'stream', memory });
  } else if (res.destroyed) {
    return;
  } else if (outcome.kind === 'answer') {
    const json = wellFormedJson(outcome.answer);
    res.once('close', memory.hold(json.length));
    sendAnswer(res, [json], sessionId);
  } else {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).end();
  }
}

function isAnswer(message: JSONRPCMessage): boolean {
  return !('method' in message);
}
