import { setTimeout as sleep } from 'node:timers/promises';
import { abortable } from '../../model/async.ts';
import { BridgeError } from '../../model/errors.ts';
import { isJsonObject, type Json, listOf, objectOf, textOf, withoutUndefined } from '../../model/json.ts';
import type { ConsoleSession } from '../console/session.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { readReply } from '../wire/reply.ts';
import { accountError, AppGone, isGone } from './account-errors.ts';
import { type DraftNode, isOwnNode, isUnchanged, START_NODE, startNode } from './node.ts';

/** The most nodes of the bridge in a draft: each one makes every run slower. */
export const MAX_NODES = 100;
/** Attempts to change a draft that others change at the same time. */
const MAX_ATTEMPTS = 25;
/** Dify's code for a change of a draft that others have changed, with status 409 or, before 1.12.0, 400. */
const NOT_SYNC = 'draft_workflow_not_sync';
/** How long the bridge relies on what it knows of a draft: it then notices that a person edited its nodes. */
const REREAD_MS = 2000;

/** A draft as Dify stores it. */
interface Stored {
  readonly hash: string | undefined;
  readonly nodes: readonly DraftNode[];
  /** Seconds since 1970. */
  readonly updatedAt: number;
  /** What the bridge does not change, and sends as it was. */
  readonly edges: Json;
  readonly viewport: Json;
  readonly features: Json;
  readonly environmentVariables: Json;
  readonly conversationVariables: Json;
}

const EMPTY: Stored = {
  hash: undefined,
  nodes: [],
  updatedAt: 0,
  edges: [],
  viewport: { x: 0, y: 0, zoom: 1 },
  features: {},
  environmentVariables: [],
  conversationVariables: [],
};

/**
 * The tool nodes in the draft of one app. Other bridges and people may change the draft at any time: a change that Dify
 * refuses for that reason is merged with theirs and sent again. Nodes of others are kept.
 */
export class Draft {
  readonly path: string;
  readonly #session: ConsoleSession;
  readonly #rereadMs: number;
  /** What Dify stores as far as known; undefined if it must be read. */
  #stored: Stored | undefined;
  /** The bridge's nodes in the order of their last use. */
  readonly #used = new Map<string, DraftNode>();
  /** The calls that use a node now, by its ID. */
  readonly #inUse = new Map<string, number>();
  #change: Promise<void> | undefined;
  /** Since August 2026, Dify refuses environment variables in a draft; before 1.11, it requires them. */
  #sendsEnvironment = true;
  /** When the next change may start, by `performance.now`. */
  #nextChangeAt = 0;
  /** When Dify last said what it stores, by `performance.now`. */
  #knownAt = 0;

  constructor(session: ConsoleSession, appId: string, rereadMs = REREAD_MS) {
    this.#session = session;
    this.#rereadMs = rereadMs;
    this.path = `/console/api/apps/${appId}/workflows/draft`;
  }

  /** Resolves when the draft has the node, with the function that ends its use. Throws AppGone or a BridgeError. */
  async use(node: DraftNode, signal: AbortSignal): Promise<() => void> {
    const { id } = node;
    this.#count(id, 1);
    try {
      this.#used.delete(id);
      this.#used.set(id, node);
      if (performance.now() - this.#knownAt >= this.#rereadMs) this.#stored = undefined;
      while (!this.#has(id)) {
        signal.throwIfAborted();
        // A caller's abort must not end a change that others wait for.
        this.#change ??= this.#write().finally(() => (this.#change = undefined));
        await abortable(this.#change, signal);
      }
    } catch (error) {
      this.#count(id, -1);
      if (!this.#inUse.has(id)) this.#used.delete(id);
      throw error;
    }
    return () => this.#count(id, -1);
  }

  /** Resolves with true if the node was missing before `since` (seconds), so that no run started. Throws AppGone. */
  async lacked(id: string, since: number): Promise<boolean> {
    const stored = await this.#read();
    this.#stored = stored;
    return !this.#has(id) && stored.updatedAt <= since;
  }

  #count(id: string, change: number): void {
    const calls = (this.#inUse.get(id) ?? 0) + change;
    if (calls === 0) this.#inUse.delete(id);
    else this.#inUse.set(id, calls);
  }

  #has(id: string): boolean {
    return this.#stored?.nodes.some((node) => node.id === id) === true;
  }

  async #write(): Promise<void> {
    // Leaves others, who must read the draft before they change it, the time for that.
    await sleep(Math.max(0, this.#nextChangeAt - performance.now()));
    let otherwise = false;
    let failed = false;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const stored = (this.#stored ??= await this.#read());
      if ([...this.#inUse.keys()].every((id) => this.#has(id))) return;
      const nodes = this.#merged(stored.nodes);
      const startedAt = performance.now();
      const answer = await this.#post(stored, nodes);
      if (answer.status === 200) {
        const { hash, updated_at: updatedAt } = objectOf(await answer.json());
        this.#stored = { ...stored, nodes, hash: textOf(hash), updatedAt: secondsOf(updatedAt) };
        const now = performance.now();
        this.#knownAt = now;
        this.#nextChangeAt = now + (now - startedAt) * (1 + 2 * Math.random());
        return;
      }
      const reply = await readReply(answer);
      if (isGone(reply)) throw new AppGone();
      // Dify fails with 500 if the app is deleted meanwhile: the draft then tells.
      if (reply.code === NOT_SYNC || (reply.status === 500 && !failed)) {
        failed ||= reply.status === 500;
        this.#stored = undefined;
      } else if (reply.status === 400 && !otherwise) {
        otherwise = true;
        this.#sendsEnvironment = !this.#sendsEnvironment;
      } else throw accountError(this.#session, answer, reply);
    }
    throw new BridgeError('upstream_error', 'The draft of the app "MCP bridge" changed again and again.', {
      hint: "The tool was not started. Close the app in Dify's editor, then call again.",
    });
  }

  /** Returns the nodes of others and those in use, with as many of the least recently used ones as fit. */
  #merged(present: readonly DraftNode[]): readonly DraftNode[] {
    const others = present.filter(({ id }) => !isOwnNode(id) && id !== START_NODE);
    const ours = new Map(present.filter(({ id }) => isOwnNode(id)).map((node) => [node.id, node]));
    for (const [id, node] of this.#used) {
      if (!ours.delete(id) && !this.#inUse.has(id)) this.#used.delete(id);
      else ours.set(id, node);
    }
    for (const id of ours.keys()) {
      if (ours.size <= MAX_NODES) break;
      if (this.#inUse.has(id)) continue;
      ours.delete(id);
      this.#used.delete(id);
    }
    const start = present.find(({ id }) => id === START_NODE) ?? startNode();
    return [start, ...others, ...ours.values()];
  }

  async #read(): Promise<Stored> {
    const answer = await this.#session.send({ method: 'GET', path: this.path, signal: AbortSignal.any([]) });
    this.#knownAt = performance.now();
    if (answer.status === 200) return toStored(await answer.json());
    const reply = await readReply(answer);
    if (reply.code === 'draft_workflow_not_exist') return EMPTY;
    if (isGone(reply)) throw new AppGone();
    throw accountError(this.#session, answer, reply);
  }

  #post(stored: Stored, nodes: readonly DraftNode[]): Promise<DifyAnswer> {
    const body = withoutUndefined({
      graph: { nodes, edges: stored.edges, viewport: stored.viewport },
      features: stored.features,
      hash: stored.hash,
      environment_variables: this.#sendsEnvironment ? stored.environmentVariables : undefined,
      conversation_variables: stored.conversationVariables,
    });
    const content = () => ({ body });
    return this.#session.send({ method: 'POST', path: this.path, content, signal: AbortSignal.any([]) });
  }
}

function toStored(raw: unknown): Stored {
  const body = objectOf(raw);
  const graph = objectOf(body['graph']);
  return {
    hash: textOf(body['hash']),
    nodes: listOf(graph['nodes'])
      .filter(isNode)
      .filter((node) => !isOwnNode(node.id) || isUnchanged(node)),
    updatedAt: secondsOf(body['updated_at']),
    edges: graph['edges'] ?? EMPTY.edges,
    viewport: graph['viewport'] ?? EMPTY.viewport,
    features: body['features'] ?? EMPTY.features,
    environmentVariables: body['environment_variables'] ?? EMPTY.environmentVariables,
    conversationVariables: body['conversation_variables'] ?? EMPTY.conversationVariables,
  };
}

function isNode(node: Json): node is DraftNode {
  return isJsonObject(node) && typeof node['id'] === 'string';
}

/** Returns seconds since 1970; 0 if Dify does not say. Dify 1.4.1 writes them as a text after a change. */
function secondsOf(value: unknown): number {
  return Number(value) || 0;
}
