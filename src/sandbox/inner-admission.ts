import { parseJson } from '../model/exact-json.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { invalidParam, notFound } from './refusal.ts';
import type { AppContext, SandboxState } from './state.ts';
import { type FieldRule, validationText } from './validation.ts';
import { isUuid } from './workspace.ts';

/** A request to the inner API with valid tenant, user and key. */
export interface Admitted {
  readonly body: JsonObject;
  readonly endUserId: string;
}

const TENANT_AND_USER: readonly FieldRule[] = [
  { name: 'tenant_id', type: 'string' },
  { name: 'user_id', type: 'string' },
];

/** Checks tenant and user before the key, as Dify does since 1.8.0, or the key first, as before. */
export async function admit(c: AppContext, state: SandboxState): Promise<Admitted> {
  const body = await jsonBody(c);
  const checkKey = (): void => {
    if (c.req.header('x-inner-api-key') !== state.credentials.innerApiKey) throw notFound(c.req.path);
  };
  if (!state.features.tenantBeforeKey) checkKey();
  const endUserId = resolveUser(body, state);
  if (state.features.tenantBeforeKey) checkKey();
  return { body, endUserId };
}

function resolveUser(body: JsonObject, state: SandboxState): string {
  const problem = validationText('TenantUserPayload', TENANT_AND_USER, body);
  if (problem !== undefined) throw invalidParam(problem);
  const tenantId = body['tenant_id'] as string;
  if (tenantId === '') throw invalidParam('tenant_id is required');
  if (!isUuid(tenantId) || tenantId !== state.workspace.id) throw invalidParam('tenant not found');
  const endUserId = state.workspace.resolveUser(body['user_id'] as string, state.features);
  if (endUserId === undefined) throw invalidParam('user not found');
  return endUserId;
}

/** Returns the body of a request; anything except a JSON object sent as JSON counts as empty. */
export async function jsonBody(c: AppContext): Promise<JsonObject> {
  if (c.req.header('content-type')?.includes('application/json') !== true) return {};
  try {
    const body = parseJson(await c.req.text());
    return isJsonObject(body) ? body : {};
  } catch {
    return {};
  }
}
