import { BridgeError, type ErrorCode } from '../../model/errors.ts';
import { type JsonObject, objectOf } from '../../model/json.ts';
import type { ConsoleSession } from '../console/session.ts';
import { errorFromFrame } from '../inner/invoker.ts';
import { type CallTarget, knownFailure, UNKNOWN_EFFECT } from '../wire/failures.ts';
import { rateLimitError } from '../wire/answer-errors.ts';
import type { DifyAnswer } from '../wire/answer.ts';
import { quoted } from '../wire/plain-words.ts';
import { type DifyReply, readReply } from '../wire/reply.ts';

const MAX_MESSAGE = 4000;
/** The second is Cloudflare's. */
const GAVE_UP: ReadonlySet<number> = new Set([504, 524]);
const NOT_STARTED = 'The tool was not started.';
/** What Dify says if the plan of a workspace has no room. It has no code of its own. */
const QUOTA = /\b(limit|quota|subscription|billing|plan)\b/i;
/** What Dify writes around the words of a tool. */
const BEFORE_RUN = /^Failed to get tool runtime: /;
const WRAPPERS = [
  /^An error occurred in the \S+, please contact the author of \S+ for help, error type: (?<type>\S+), error details: /,
  /^Failed to (?:invoke tool(?: .{1,300}?)?: |invoke tool, error: |transform tool message: )/,
];

/** The app of the bridge no longer exists, so that nothing was run in it. */
export class AppGone extends BridgeError {
  constructor() {
    super('app_missing', 'The app "MCP bridge" was deleted in Dify while the bridge used it.', {
      hint: `${NOT_STARTED} Call again.`,
    });
  }
}

/** Returns whether Dify does not have the app of a request. */
export function isGone({ status, body, code }: DifyReply): boolean {
  return status === 404 && body !== undefined && code !== 'draft_workflow_not_exist';
}

/** Resolves with the JSON object of an answer. Rejects as `accountError` says if the answer has another status. */
export async function expectStatus(
  session: ConsoleSession,
  answer: DifyAnswer,
  status: number,
): Promise<JsonObject> {
  if (answer.status !== status) throw accountError(session, answer, await readReply(answer));
  return objectOf(await answer.json());
}

/** Returns the error for a refused request about the app; `target` is the tool that it was to run. */
export function accountError(
  session: ConsoleSession,
  answer: DifyAnswer,
  reply: DifyReply,
  target?: CallTarget,
): BridgeError {
  const { status, path, body, said } = reply;
  const upstream = { status, path };
  const words = said === undefined ? '' : ` Dify said: ${said}`;
  const error = (code: ErrorCode, message: string, hint?: string) =>
    new BridgeError(code, message, { hint, upstream });
  if (status === 429) return rateLimitError(answer, error);
  if (GAVE_UP.has(status)) {
    const message = `A proxy in front of Dify stopped waiting for the answer to ${path} (status ${status}).`;
    const hint =
      'The tool may still be running in Dify: check there before calling again. Tell the user that the operator of ' +
      'Dify can raise the time limit of the proxy.';
    return error('upstream_unreachable', message, hint);
  }
  if (body === undefined) return session.toError(reply);
  if (status === 403 && said !== undefined && QUOTA.test(said)) {
    const hint =
      "Delete something in Dify that you do not need, or ask the workspace's owner for a larger plan.";
    return error('upstream_quota_exceeded', `The plan of this Dify workspace is used up.${words}`, hint);
  }
  if (status === 403) {
    const hint =
      "Running tools as an account needs the role editor, admin or owner. The workspace's owner or an admin " +
      'grants it in Dify under Settings, Members.';
    return error('upstream_forbidden', `Dify does not allow this account to run tools.${words}`, hint);
  }
  if (status === 400) {
    // Before 1.8.0, also what later releases report as a failed run.
    const known = target && said !== undefined ? knownFailure(said, said, target, upstream) : undefined;
    if (known !== undefined) return known;
    const hint =
      'Check the arguments. If they are right, tell the user to check that the tool still exists in Dify.';
    return error('upstream_rejected', `Dify refused the call before running the tool.${words}`, hint);
  }
  return session.toError(reply);
}

/** Returns the error for a refused run. A proxy answers 502 also if Dify ended during the run. */
export function refusedRun(
  ...[session, answer, reply, target]: Parameters<typeof accountError>
): BridgeError {
  const error = accountError(session, answer, reply, target);
  if (reply.status !== 502) return error;
  const { code, message, hint = '', upstream } = error;
  return new BridgeError(code, message, { hint: `${hint} ${UNKNOWN_EFFECT}`.trimStart(), upstream });
}

/** Returns the error of a run that Dify reports as failed, with the tool's own words. */
export function runError(
  text: string,
  answer: Pick<DifyAnswer, 'mask' | 'version'>,
  target: CallTarget,
): BridgeError {
  if (BEFORE_RUN.test(text)) {
    const words = quoted(answer, text.replace(BEFORE_RUN, ''), MAX_MESSAGE);
    const known = knownFailure(text, words, target);
    if (known !== undefined) return known;
    const hint =
      'Check the arguments. If they are right, tell the user to check the tool and its provider in Dify.';
    return new BridgeError(
      'upstream_rejected',
      `Dify refused the call before running the tool. Dify said: ${words}`,
      { hint },
    );
  }
  return errorFromFrame(withoutWrapper(text), answer, { target, silentMs: 0 });
}

/** Returns a failed run's text without what Dify wrote around the tool's words. */
function withoutWrapper(text: string): string {
  for (const wrapper of WRAPPERS) {
    const match = wrapper.exec(text);
    if (match === null) continue;
    const message = text.slice(match[0].length);
    const type = match.groups?.['type'];
    // As the inner API passes on a plugin's error.
    return type === undefined ? message : JSON.stringify({ error_type: type, message });
  }
  return text;
}
