import type { ToolResult } from '../model/content.ts';
import { BridgeError, ERROR_RULES, type ErrorCode, type Problem } from '../model/errors.ts';
import type { SharedCall } from '../model/shared-calls.ts';

/** A call as text, but for its result, which may be large and stands apart. */
export function encodeCall({ result: _apart, failure, ...facts }: SharedCall): string {
  if (failure === undefined) return JSON.stringify(facts);
  const { code, message, hint, problems } = failure;
  return JSON.stringify({ ...facts, failure: { code, message, hint, problems } });
}

/** The call of a text that another replica wrote. */
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

/** A replica of another release may know codes that this one does not. */
function errorOf({ code, message, hint, problems }: WrittenError): BridgeError {
  const known: ErrorCode = Object.hasOwn(ERROR_RULES, code) ? (code as ErrorCode) : 'internal';
  return new BridgeError(known, message, { problems, ...(hint === undefined ? {} : { hint }) });
}
