import type { CallOutcome } from '../model/call.ts';
import type { ToolResult } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import { durationText } from '../model/duration.ts';
import { BridgeError } from '../model/errors.ts';
import type { CallState } from '../model/task.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/**
 * The answer for a call that goes on: as a text and as structured content, since some clients show the model only one
 * of them. Names that the called tool's own output schema uses are left out there: they would mean something else.
 */
export function stillRuns(state: CallState, outputSchema?: JsonObject): CallOutcome {
  const { callId, tool, lastProgress } = state;
  const elapsedSeconds = Math.round(state.elapsedMs / 1000);
  const next =
    `Call get_call_result with {"call_id": ${JSON.stringify(callId)}} to wait for the result; repeat that while it ` +
    `still runs. Do not call ${tool} again for this: that would start it a second time. cancel_call ends it.`;
  const progress = lastProgress === undefined ? '' : `, last heard of: ${JSON.stringify(lastProgress)}`;
  const text = `The tool ${tool} still runs (${elapsedSeconds} s so far${progress}). This is not its result.\n${next}`;
  const facts: JsonObject = {
    status: 'running',
    callId,
    tool,
    elapsedSeconds,
    ...(lastProgress === undefined ? {} : { lastProgress }),
    next,
  };
  const content = [{ type: 'text', text }] as const;
  return {
    kind: 'running',
    state,
    notice: { content, structuredContent: withoutDeclared(facts, outputSchema) },
  };
}

function withoutDeclared(facts: JsonObject, outputSchema: JsonObject | undefined): JsonObject {
  const declared = outputSchema?.['properties'];
  if (!isJsonObject(declared)) return facts;
  const free = Object.entries(facts).filter(
    (entry): entry is [string, Json] => !Object.hasOwn(declared, entry[0]),
  );
  return Object.fromEntries(free);
}

/** The answer of cancel_call. `wasRunning`: it was this that ended the call. */
export function cancelAnswer({ tool, status }: CallState, wasRunning: boolean): ToolResult {
  const text = wasRunning
    ? `The call of ${tool} was cancelled: its request to Dify was closed. A workflow goes on in Dify until it ends; ` +
      'what the tool has done by now stays done.'
    : `The call of ${tool} had ended before (${status}). get_call_result gives its result.`;
  return { content: [{ type: 'text', text }] };
}

/** For a request that was cancelled while others wait for the same call; nobody reads it. */
export function requestLeft(): BridgeError {
  const message = 'This request was cancelled; the call continues because other requests are waiting for it.';
  return new BridgeError('cancelled', message);
}

/** No call of that id is known to whoever asks: one answer for every reason, so that it tells nothing of others. */
export function unknownCall(callId: string, keepMs: number): BridgeError {
  const name = JSON.stringify(cutText(callId, 64));
  return new BridgeError('call_not_found', `No call ${name} is known.`, {
    hint:
      `The id may be wrong, the result may have expired (it is kept for ${durationText(keepMs)} after the end of the call), ` +
      'or the bridge was restarted, which ends all calls. Call the tool again if its result is still needed; ' +
      'what it did before stays done.',
  });
}
