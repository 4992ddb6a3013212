import type { ListedTool } from '../model/registry.ts';
import { defineBridgeTool, z } from '../registry/bridge-tool.ts';

const GET_RESULT = 'get_call_result';
const CANCEL = 'cancel_call';

export const CALL_TOOL_NAMES: ReadonlySet<string> = new Set([GET_RESULT, CANCEL]);

/** The part of the server's instructions that explains hand-off to the model. */
export const HAND_OFF_INSTRUCTIONS =
  `A call that takes long returns a call ID and keeps running: fetch its result with ${GET_RESULT}, or give it up ` +
  `with ${CANCEL}.`;

/** The tools with which a model follows calls that were handed off. */
export type CallTools = ReturnType<typeof defineCallTools>;

/** Returns the hand-off tools. `maxWaitSeconds` is the longest time that one request waits. */
export function defineCallTools(maxWaitSeconds: number) {
  const callId = z.string().describe('The call ID that the call returned.');
  return {
    getResult: defineBridgeTool({
      name: GET_RESULT,
      title: 'Get the result of a call',
      description:
        'Waits for a tool call that returned a call ID because it takes long, and returns its result. If the answer ' +
        'says that the call is still running, call this tool again. ' +
        'Example: {"call_id": "call_4fZr0bX2"}',
      input: z.object({
        call_id: callId,
        wait_seconds: z
          .number()
          .min(0)
          .max(maxWaitSeconds)
          .default(maxWaitSeconds)
          .describe('How long to wait for the result, in seconds. 0 checks without waiting.'),
      }),
      annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
    }),
    cancelCall: defineBridgeTool({
      name: CANCEL,
      title: 'Cancel a call',
      description:
        'Stops waiting for a tool call that returned a call ID, and discards its result. A tool that has started may ' +
        'run to its end in Dify. Example: {"call_id": "call_4fZr0bX2"}',
      input: z.object({ call_id: callId }),
      annotations: { idempotentHint: true, openWorldHint: false },
    }),
  };
}

/** Returns 90 % of a limit in milliseconds as seconds. The other tenth is for transport. */
export function maxWaitSeconds(limitMs: number): number {
  const seconds = (limitMs * 0.9) / 1000;
  return seconds < 5 ? Number(seconds.toFixed(2)) : Math.floor(seconds);
}

/** The tools as they are listed with the default limit, used to recognise them in Dify's list. */
export const CALL_TOOLS: readonly ListedTool[] = Object.values(defineCallTools(45)).map(({ tool }) => tool);
