import { withoutSteering } from './invisible-characters.ts';
import { ERROR_RULES, type ErrorCode, type ErrorRule } from './error-rules.ts';

export { ERROR_RULES, type ErrorCode };

/** A problem with one of the arguments of a call or one setting of the configuration. */
export interface Problem {
  /** A JSON pointer into the arguments (`/city`), or a setting (`http.port`). */
  readonly path: string;
  /** What was expected, so that the reader can correct it. */
  readonly message: string;
}

export interface BridgeErrorOptions {
  readonly hint?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  /** How long to wait before the next attempt. `hint` says it too. */
  readonly retryAfterSeconds?: number | undefined;
  /** Status and path of Dify's answer, for the log. */
  readonly upstream?: { readonly status: number; readonly path: string } | undefined;
  readonly cause?: unknown;
}

/** The only error that the bridge throws on purpose, without secrets. `hint` says what to do next. */
export class BridgeError extends Error {
  override readonly name = 'BridgeError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];
  readonly retryAfterSeconds: number | undefined;
  readonly upstream: { readonly status: number; readonly path: string } | undefined;

  constructor(code: ErrorCode, message: string, options: BridgeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.problems = options.problems ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.upstream = options.upstream;
  }

  get rule(): ErrorRule {
    return ERROR_RULES[this.code];
  }

  /** Returns the error with other texts, such as those that name another setting. */
  withTexts(change: (text: string) => string): BridgeError {
    const { code, retryAfterSeconds, upstream, cause } = this;
    const problems = this.problems.map(({ path, message }) => ({ path, message: change(message) }));
    const hint = this.hint === undefined ? undefined : change(this.hint);
    return new BridgeError(code, change(this.message), {
      hint,
      problems,
      retryAfterSeconds,
      upstream,
      cause,
    });
  }

  /** Returns message, problems and hint as text for a model or a person. */
  toText(): string {
    const lines = [this.message];
    for (const { path, message } of this.problems) {
      lines.push(path === '' ? `- ${message}` : `- ${path}: ${message}`);
    }
    if (this.hint !== undefined) lines.push(this.hint);
    return withoutSteering(lines.join('\n'));
  }
}

/** Returns a thrown value as a BridgeError. Any other value becomes the cause of an `internal` error. */
export function asBridgeError(error: unknown): BridgeError {
  if (error instanceof BridgeError) return error;
  return new BridgeError('internal', 'The bridge failed unexpectedly.', { cause: error });
}

export function argumentsError(tool: string, problems: readonly Problem[], hint: string): BridgeError {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const message = `The arguments do not fit the tool ${tool}: ${count}.`;
  return new BridgeError('invalid_arguments', message, { problems, hint });
}

/** Returns the error for a provider without credentials in Dify. The model reads it, and should tell the user. */
export function unauthorizedError(provider: string, options: BridgeErrorOptions = {}): BridgeError {
  const message = `${provider} has no credentials in this Dify workspace, so this tool cannot run.`;
  const hint = `Do not retry; tell the user to authorize ${provider} in Dify (Tools).`;
  return new BridgeError('provider_unauthorized', message, { ...options, hint });
}

/** Returns the code of a failed system call, such as `ENOENT`. */
export function systemErrorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error';
}
