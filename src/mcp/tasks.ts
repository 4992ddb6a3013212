import {
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  type Result,
  type Server,
  type ServerContext,
  type StandardSchemaV1,
} from '@modelcontextprotocol/server';
import type { BridgeError } from '../model/errors.ts';
import type { Logger } from '../model/logger.ts';
import type { ToolListSource } from '../model/registry.ts';
import type { CallState, DetachedCalls } from '../model/task.ts';
import { isJsonObject } from '../model/json.ts';
import { principalOf } from './call-origin.ts';
import { withProtocolErrors } from './protocol-error.ts';
import { FULL_VOCABULARY, toCallToolResult, toSentBlocks } from './vocabulary.ts';

/** The extension with which a long call becomes a task (SEP-2663). Only the 2026 revision has it. */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** How often a client should poll, in milliseconds. */
const POLL_INTERVAL_MS = 1000;

/** Whether the client of a request understands tasks. In the 2026 revision, each request carries the capabilities. */
export function understandsTasks({ mcpReq }: ServerContext): boolean {
  // The SDK's type for the envelope has no members.
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const capabilities = envelope[CLIENT_CAPABILITIES_META_KEY];
  const extensions = isJsonObject(capabilities) ? capabilities['extensions'] : undefined;
  return isJsonObject(extensions) && extensions[TASKS_EXTENSION] !== undefined;
}

/** Returns the answer to a tools/call that became a task. */
export function taskResult(state: CallState, keepMs: number): Result {
  return { resultType: 'task', ...taskFields(state, keepMs) };
}

/**
 * Answers `tasks/get`, `tasks/update` and `tasks/cancel`. The ID of a task is its call ID. Tasks never ask for input,
 * so an update changes nothing.
 */
export function serveTasks(
  server: Server,
  {
    calls,
    list,
    logger,
  }: { readonly calls: DetachedCalls; readonly list: ToolListSource; readonly logger: Logger },
): void {
  const serve = (method: string, answer: (taskId: string, principal: string) => Promise<Result>): void => {
    server.setRequestHandler(method, { params: taskParams }, async ({ taskId }, context) => {
      if (!understandsTasks(context)) {
        throw new MissingRequiredClientCapabilityError({
          requiredCapabilities: { extensions: { [TASKS_EXTENSION]: {} } },
        });
      }
      return withProtocolErrors(method, logger, () => answer(taskId, principalOf(context)));
    });
  };
  serve('tasks/get', async (taskId, principal) =>
    detailedTask(await calls.get(taskId, principal), calls.keepMs, list),
  );
  serve('tasks/update', async (taskId, principal) => {
    await calls.get(taskId, principal);
    return {};
  });
  serve('tasks/cancel', async (taskId, principal) => {
    await calls.cancel(taskId, principal);
    return {};
  });
}

function taskFields({ callId, status, lastProgress, startedAt, changedAt }: CallState, keepMs: number) {
  return {
    taskId: callId,
    status,
    ...(lastProgress === undefined ? {} : { statusMessage: lastProgress }),
    createdAt: startedAt.toISOString(),
    lastUpdatedAt: changedAt.toISOString(),
    ttlMs: keepMs,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

function detailedTask(state: CallState, keepMs: number, list: ToolListSource): Result {
  const { tool: name, status, result, error } = state;
  const fields = taskFields(state, keepMs);
  if (status === 'completed' && result !== undefined)
    return { ...fields, result: toCallToolResult(result, FULL_VOCABULARY, { name, list }) };
  if (status === 'failed' && error !== undefined) return { ...fields, error: taskError(error, state) };
  return fields;
}

/** Returns the JSON-RPC error of a task with the tool's output. Skips its first block, which is the error. */
function taskError(error: BridgeError, { result }: CallState) {
  const content = toSentBlocks(result?.content.slice(1) ?? [], FULL_VOCABULARY);
  return {
    code: error.rule.rpc,
    message: error.toText(),
    data: { code: error.code, ...(content.length === 0 ? {} : { content }) },
  };
}

/** Checks that the parameters have a task ID. Ignores other members. */
const taskParams: StandardSchemaV1<unknown, { readonly taskId: string }> = {
  '~standard': {
    version: 1,
    vendor: 'dify-mcp-bridge',
    validate(value) {
      const taskId = isJsonObject(value) ? value['taskId'] : undefined;
      return typeof taskId === 'string'
        ? { value: { taskId } }
        : { issues: [{ message: 'taskId must be the ID of a task', path: ['taskId'] }] };
    },
  },
};
