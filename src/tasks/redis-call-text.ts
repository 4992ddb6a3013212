import type { ToolResult } from '../model/content.ts';
import { BridgeError, ERROR_RULES, type ErrorCode, type Problem } from '../model/errors.ts';
import type { SharedCall } from '../model/shared-calls.ts';

/** Returns a call as JSON without its result, which may be large and is stored separately. */
export function encodeCall({ result: _apart, failure, ...facts }: SharedCall): string {
  if (failure === undefined) return JSON.stringify(facts);
  const { code, message, hint, problems } = failure;
  return JSON.stringify({ ...facts, failure: { code, message, hint, problems } });
}

/** Returns the call that another replica encoded. */
export function decodeCall(text: string, result: string | undefined): SharedCall {
  const { failure, ...facts } = JSON.parse(text) as Omit<SharedCall, 'failure'> & { failure?: WrittenError };
  return {
    ...facts,
    result: result === undefined ? undefined : (JSON.parse(result) as ToolResult),
    failure: failure && errorOf(failure),
  };
}

interface WrittenError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly problems: readonly Problem[];
}

/** Returns the error. A code of another release that this one does not know becomes `internal`. */
function errorOf({ code, message, hint, problems }: WrittenError): BridgeError {
  const known: ErrorCode = Object.hasOwn(ERROR_RULES, code) ? (code as ErrorCode) : 'internal';
  return new BridgeError(known, message, { problems, hint });
}
