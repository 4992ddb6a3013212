import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson, sendMethodNotAllowed, sendNothingHere } from './responses.ts';

/** Whether tools can be served, and facts for monitoring. */
export interface Readiness {
  readonly ready: boolean;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

export interface HealthOptions {
  /**
   * Returns the state for `/readyz`, or for `/w/NAME/readyz` of a workspace; undefined if there is no such workspace.
   * Both are public, so the state contains no secrets and no text from Dify.
   */
  readonly readiness: (workspace?: string) => Readiness | undefined;
  readonly isClosing: () => boolean;
  /** Whether a further event stream would be refused. */
  readonly isFull: () => boolean;
}

/** `/readyz`, or that of one workspace. */
const READY_PATH = /^(?:\/w\/([a-z0-9-]+))?\/readyz$/;

/** Returns what answers the requests for the state of the bridge. It returns false if a path is not about that. */
export function createHealth({ readiness, isClosing, isFull }: HealthOptions) {
  return (req: IncomingMessage, res: ServerResponse, path: string): boolean => {
    const ready = READY_PATH.exec(path);
    if (ready === null && path !== '/livez') return false;
    if (req.method !== 'GET' && req.method !== 'HEAD') sendMethodNotAllowed(res, 'GET, HEAD');
    else if (ready === null) sendJson(res, 200, { status: 'ok' });
    else if (isClosing()) sendJson(res, 503, { status: 'stopping' });
    else {
      const state = readiness(ready[1]);
      if (state === undefined) sendNothingHere(res, []);
      else {
        const status = state.ready ? 'ready' : 'loading';
        const streams = isFull() ? 'full' : undefined;
        sendJson(res, state.ready ? 200 : 503, { status, ...state.facts, streams });
      }
    }
    return true;
  };
}
