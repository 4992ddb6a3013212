import { parseJson } from '../model/exact-json.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { invalidParam, notFound } from './refusal.ts';
import type { AppContext, SandboxState } from './state.ts';
import { validate } from './validation.ts';
import { isUuid } from './workspace.ts';

/** A request to the inner API with valid tenant, user and key. */
export interface Admitted {
  readonly body: JsonObject;
  readonly endUserId: string;
}

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
  validate('TenantUserPayload', { tenant_id: 'string', user_id: 'string' }, body);
  const tenantId = body.tenant_id;
  if (tenantId === '') throw invalidParam('tenant_id is required');
  if (!isUuid(tenantId) || tenantId !== state.workspace.id) throw invalidParam('tenant not found');
  const endUserId = state.workspace.resolveUser(body.user_id, state.features);
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
