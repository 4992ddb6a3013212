import type { Json, JsonObject } from '../model/json.ts';
import { parseJson } from '../model/exact-json.ts';
import { writeJson } from '../model/well-formed.ts';
import { isJsonObject } from '../model/json.ts';
import { localized, parameter, toolDeclaration } from './declaration.ts';
import { json, type SandboxMessage, text, ToolFailure } from './messages.ts';
import type { SandboxProvider, SandboxTool, ToolRun } from './provider.ts';

/** An operation's parameter, as an OpenAPI document describes it. */
export interface OperationParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'body';
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  readonly required?: boolean;
  readonly description?: string;
  readonly default?: Json;
}

/** An operation of an OpenAPI document. */
export interface Operation {
  /** Dify generates one if it is missing. */
  readonly operationId?: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly OperationParameter[];
}

/** A custom API of the workspace. */
export interface ApiProviderOptions {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** The base URL of the service, without a trailing slash. */
  readonly baseUrl: string;
  readonly operations: readonly Operation[];
}

const EMPTY_ANSWER = 'Empty response from the tool, please check your parameters and try again.';

/**
 * Returns a provider whose tools are the operations of an HTTP service; calls really reach the service.
 */
export function apiProvider(options: ApiProviderOptions): SandboxProvider {
  return {
    type: 'api',
    id: options.id,
    name: options.name,
    author: 'Sandbox',
    label: localized(options.name),
    description: localized(options.description),
    labels: [],
    icon: { content: '🐾', background: '#FEF7C3' },
    credentialFields: [],
    extra: {},
    tools: options.operations.map((operation) => operationTool(operation, options.baseUrl)),
  };
}

/**
 * Returns Dify's name for an operation without operationId: its path, reduced to allowed characters, and
 * the method.
 */
export function generatedOperationId(operation: Operation): string {
  const path = operation.path.replace(/^\//, '').replaceAll(/[^a-zA-Z0-9_-]/g, '');
  return `${path === '' ? '<root>' : path}_${operation.method}`;
}

function operationTool(operation: Operation, baseUrl: string): SandboxTool {
  const parameters = (operation.parameters ?? []).map((declared) =>
    parameter(declared.name, {
      type: declared.type === 'integer' ? 'number' : (declared.type ?? 'string'),
      required: declared.required ?? false,
      default: declared.default ?? null,
      description: declared.description ?? '',
      placeholder: declared.description ?? '',
      llm: declared.description ?? (declared.in === 'body' ? '' : null),
    }),
  );
  return {
    declaration: toolDeclaration(operation.operationId ?? generatedOperationId(operation), {
      description: operation.description ?? operation.summary ?? '',
      parameters,
    }),
    run: (given, run) => callOperation(operation, baseUrl, given, run),
  };
}

async function* callOperation(
  operation: Operation,
  baseUrl: string,
  given: JsonObject,
  run: ToolRun,
): AsyncGenerator<SandboxMessage> {
  const response = await send(request(operation, baseUrl, given), run.signal);
  const body = await response.text();
  if (response.status >= 400) {
    throw new ToolFailure(`Request failed with status code ${response.status} and ${body}`);
  }
  if (body === '') {
    yield text(EMPTY_ANSWER);
    return;
  }
  const isJson = response.headers.get('content-type')?.includes('application/json') === true;
  if (isJson && run.features.apiJsonMessages) {
    const parsed = parseJson(body);
    // An array is sent only as text.
    if (isJsonObject(parsed)) yield json(parsed);
  }
  yield text(body);
}

async function send(outgoing: Request, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(outgoing, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ToolFailure('[Errno 111] Connection refused', { cause: error });
  }
}

function request(operation: Operation, baseUrl: string, given: JsonObject): Request {
  let path = operation.path;
  const query = new URLSearchParams();
  const headers = new Headers();
  const body: Record<string, Json> = {};
  for (const declared of operation.parameters ?? []) {
    const value = given[declared.name] ?? defaultOf(declared);
    if (value === undefined) continue;
    const asText = typeof value === 'string' ? value : writeJson(value);
    if (declared.in === 'path') path = path.replace(`{${declared.name}}`, encodeURIComponent(asText));
    else if (declared.in === 'query') query.append(declared.name, asText);
    else if (declared.in === 'header') headers.set(declared.name, asText);
    else body[declared.name] = value;
  }
  const hasBody = Object.keys(body).length > 0;
  if (hasBody) headers.set('content-type', 'application/json');
  const search = query.size > 0 ? `?${query.toString()}` : '';
  return new Request(`${baseUrl}${path}${search}`, {
    method: operation.method.toUpperCase(),
    headers,
    body: hasBody ? writeJson(body) : null,
  });
}

function defaultOf(declared: OperationParameter): Json | undefined {
  if (declared.required === true && declared.default === undefined) {
    throw new ToolFailure(`Missing required parameter ${declared.name}`);
  }
  return declared.required === true || declared.in === 'query' ? declared.default : undefined;
}
