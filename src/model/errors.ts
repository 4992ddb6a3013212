import { ERROR_RULES, type ErrorCode, type ErrorRule } from './error-rules.ts';

export { ERROR_RULES, type ErrorCode };

/** One thing wrong with the arguments of a call or with the configuration. */
export interface Problem {
  /** Where: a JSON pointer into the arguments (`/city`), or a setting (`http.port`). */
  readonly path: string;
  /** What was expected, in words that let the reader put it right. */
  readonly message: string;
}

/** What may accompany a BridgeError. */
export interface BridgeErrorOptions {
  /** The next step, for the reader. */
  readonly hint?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  /** Status and path of Dify's answer, for the log. */
  readonly upstream?: { readonly status: number; readonly path: string } | undefined;
  readonly cause?: unknown;
}

/**
 * The only error that folders throw on purpose. `message` is a sentence for the reader, without secrets;
 * `hint` says what to do next.
 */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];
  readonly upstream: { readonly status: number; readonly path: string } | undefined;

  constructor(code: ErrorCode, message: string, options: BridgeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.problems = options.problems ?? [];
    this.upstream = options.upstream;
  }

  /** The row of the table that belongs to this error. */
  get rule(): ErrorRule {
    return ERROR_RULES[this.code];
  }

  /** Message, problems and hint as the text that a model or a person reads. */
  toText(): string {
    const lines = [this.message];
    for (const { path, message } of this.problems) {
      lines.push(path === '' ? `- ${message}` : `- ${path}: ${message}`);
    }
    if (this.hint !== undefined) lines.push(this.hint);
    return lines.join('\n');
  }
}

/** Any thrown value as a BridgeError; what is not one becomes `internal` with the value as its cause. */
export function asBridgeError(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  return new BridgeError('internal', 'The bridge failed unexpectedly.', { cause: error });
}

/** The code of a failed system call, such as `ENOENT`. */
export function systemErrorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
