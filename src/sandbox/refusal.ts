import type { JsonObject } from '../model/json.ts';
import type { Features } from './features.ts';

/** Statuses with which Dify refuses a request. */
export type RefusalStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 429 | 500;

/** Thrown to end a request with one of Dify's error answers; the sandbox always catches it. */
export class Refusal extends Error {
  readonly status: RefusalStatus;
  readonly code: string;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: RefusalStatus, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.body = { code, message, status };
    this.headers = headers;
  }

  /** Returns the body as a release writes it. */
  bodyIn({ restxErrors }: Features): JsonObject {
    if (restxErrors) return this.body;
    const { code, message } = this;
    return this.status === 500 ? { code, message } : { ...this.body, message: message.replace(HELP, '') };
  }
}

/** 400: the answer to everything that Dify raises as a ValueError. */
export function invalidParam(message: string): Refusal {
  return new Refusal(400, 'invalid_param', message);
}

/** 400 if Dify cannot read a declaration from its plugin daemon: of one plugin, or in the whole list. */
export function unreadableDeclaration(workspaceId: string, asked: 'tool' | 'tools'): Refusal {
  const expected = asked === 'tool' ? 'PluginToolProviderEntity' : 'list';
  return invalidParam(
    `Failed to parse response from plugin daemon to PluginDaemonBasicResponse [${expected}], ` +
      `url: plugin/${workspaceId}/management/${asked}`,
  );
}

/** 401 of the console. */
export function unauthorized(message: string, code = 'unauthorized'): Refusal {
  return new Refusal(401, code, message, { 'www-authenticate': 'Bearer realm="api"' });
}

/** What Dify's framework says to a request that it does not permit. */
export const FORBIDDEN =
  "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server.";

/** 403 of the file routes. */
export function forbidden(message: string): Refusal {
  return new Refusal(403, 'forbidden', message);
}

/** 404 of a handler: JSON, with the help text that the framework adds. */
export function notFound(
  path: string,
  message = NOT_FOUND_TEXT,
  code = 'not_found',
  routes: readonly string[] = [path, '/inner/api/invoke/tts', '/inner/api/invoke/llm'],
): Refusal {
  const help = `You have requested this URI [${path}] but did you mean ${routes.join(' or ')} ?`;
  return new Refusal(404, code, `${message} ${help}`);
}

/** 405, JSON. */
export function methodNotAllowed(allowed: string): Refusal {
  const message = 'The method is not allowed for the requested URL.';
  return new Refusal(405, 'method_not_allowed', message, { allow: allowed });
}

/** 500: an internal error of Dify, without a reason. */
export function internalError(): Refusal {
  return new Refusal(500, 'unknown', 'Internal Server Error');
}

const HELP = / You have requested this URI .*/;

const NOT_FOUND_TEXT =
  'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.';

const NOT_FOUND_PAGE = `<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>${NOT_FOUND_TEXT}</p>
`;

/** Returns the answer of a route that does not exist: HTML, unlike a handler's JSON. */
export function notFoundPage(): Response {
  return new Response(NOT_FOUND_PAGE, {
    status: 404,
    headers: { 'content-type': 'text/html; charset=utf-8' },
  });
}
