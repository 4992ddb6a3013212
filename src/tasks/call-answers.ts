import type { CallOutcome } from '../model/call.ts';
import { textResult, type ToolResult } from '../model/content.ts';
import { cutText } from '../model/cut-text.ts';
import { durationText } from '../model/duration.ts';
import { BridgeError } from '../model/errors.ts';
import type { CallState } from '../model/task.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/**
 * Returns the answer for a call that is still running. If its tool has an output schema, clients expect structured
 * content, and some show the model nothing else. It omits names that the schema declares, because the client would read
 * them as the tool's output.
 */
export function stillRuns(
  state: CallState,
  outputSchema?: JsonObject,
): Extract<CallOutcome, { kind: 'running' }> {
  const { callId, tool, lastProgress } = state;
  const seconds = Math.round(state.elapsedMs / 1000);
  const progress = lastProgress === undefined ? '' : `, last progress: ${JSON.stringify(lastProgress)}`;
  const text =
    `${tool} is still running (${seconds} s${progress}); this is not its result yet. ` +
    `Call get_call_result with {"call_id": ${JSON.stringify(callId)}}. ` +
    `Do not call ${tool} again: that would start it twice. cancel_call gives it up.`;
  const facts = { status: 'running', call_id: callId, next: text };
  const structuredContent = withoutDeclared(facts, outputSchema);
  return { kind: 'running', state, notice: { ...textResult(text), structuredContent } };
}

function withoutDeclared(facts: JsonObject, outputSchema: JsonObject | undefined): JsonObject {
  const declared = outputSchema?.['properties'];
  if (!isJsonObject(declared)) return facts;
  const free = Object.entries(facts).filter(
    (entry): entry is [string, Json] => !Object.hasOwn(declared, entry[0]),
  );
  return Object.fromEntries(free);
}

/** Returns the answer of cancel_call. `wasRunning` is false if the call had ended before. */
export function cancelAnswer({ tool, status }: CallState, wasRunning: boolean): ToolResult {
  const text = wasRunning
    ? `The call of ${tool} was cancelled. If the tool has started in Dify, it may run to its end there; what it does stays done.`
    : `The call of ${tool} had already ended (${status}). get_call_result returns its result.`;
  return textResult(text);
}

/** Returns the error for a request that was cancelled while others wait for the same call. No client reads it. */
export function requestLeft(): BridgeError {
  const message = 'This request was cancelled; the call continues because other requests are waiting for it.';
  return new BridgeError('cancelled', message);
}

/** Returns the error for an unknown call ID: the same for every reason, so that it reveals nothing about other clients. */
export function unknownCall(callId: string, keepMs: number): BridgeError {
  const name = JSON.stringify(cutText(callId, 64));
  return new BridgeError('call_not_found', `Unknown call ID ${name}.`, {
    hint:
      `The ID is wrong, the result expired (results are stored for ${durationText(keepMs)} after the call ends) or was lost in ` +
      'a restart, or the call belongs to another client. If you still need the result, call the tool again; ' +
      'anything the first call did stays done.',
  });
}
