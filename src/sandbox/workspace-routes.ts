import type { JsonObject } from '../model/json.ts';
import { requireAdminKey, requireMember } from './console-admission.ts';
import { jsonBody } from './inner-admission.ts';
import { Refusal } from './refusal.ts';
import type { SandboxMembership } from './memberships.ts';
import { type App, type AppContext, route, type SandboxState } from './state.ts';

/** The creation time of the sandbox's workspaces, in seconds since the epoch. */
const CREATED_AT = 1_795_383_042;

/** Adds the console's workspace routes of the release. */
export function addWorkspaceRoutes(app: App, state: SandboxState): void {
  const { features, account } = state;
  route(app, 'GET', '/console/api/workspaces', (c) => {
    requireMember(c, state);
    const opened = features.lastOpenedAt && { last_opened_at: CREATED_AT };
    const current = membership(c, state);
    const listed = isAdmin(c, state) ? [current] : account.memberships.listed;
    return c.json({
      workspaces: listed.map((one) => ({
        ...workspaceFields(one),
        plan: 'sandbox',
        ...opened,
        current: one.id === current.id,
      })),
    });
  });
  // Not recorded: as in the sources of 1.12.1 and 1.16.1.
  route(app, 'POST', '/console/api/workspaces/switch', async (c) => {
    requireMember(c, state);
    const { tenant_id: id } = await jsonBody(c);
    const switched = typeof id === 'string' ? account.memberships.switchTo(id) : undefined;
    if (switched === undefined) {
      throw new Refusal(403, 'account_not_link_tenant', 'Account not link tenant');
    }
    return c.json({ result: 'success', new_tenant: currentWorkspace(switched, state) });
  });
  route(app, 'GET', '/console/api/all-workspaces', (c) => {
    requireAdminKey(c, state);
    const page = Number(c.req.query('page') ?? 1);
    const limit = Number(c.req.query('limit') ?? 20);
    const { id, name } = state.workspace;
    const data = page === 1 ? [workspaceFields({ id, name, status: 'normal' })] : [];
    return c.json({ data, has_more: false, limit, page, total: 1 });
  });
  if (features.workspaceSummary) {
    route(app, 'GET', '/console/api/workspaces/current/summary', (c) => {
      requireMember(c, state);
      const { id, name, role } = membership(c, state);
      return c.json({ id, name, role, plan: null, credits: null });
    });
  } else {
    route(app, features.currentWorkspaceByPost ? 'POST' : 'GET', '/console/api/workspaces/current', (c) => {
      requireMember(c, state);
      return c.json(currentWorkspace(membership(c, state), state));
    });
  }
}

function isAdmin(c: AppContext, { credentials }: SandboxState): boolean {
  return c.req.header('authorization') === `Bearer ${credentials.adminApiKey}`;
}

/** Returns the workspace of a request; the admin key acts as the owner. */
function membership(c: AppContext, state: SandboxState): SandboxMembership {
  const { current } = state.account.memberships;
  if (current !== undefined && !isAdmin(c, state)) return current;
  const { id, name } = state.workspace;
  return { id, name, role: 'owner', status: 'normal' };
}

function currentWorkspace(one: SandboxMembership, { features }: SandboxState): JsonObject {
  const { creditPool, creditsExhaustedAt } = features;
  return {
    ...workspaceFields(one),
    plan: 'basic',
    role: one.role,
    in_trial: null,
    trial_end_reason: null,
    custom_config: null,
    ...(creditPool && { trial_credits: null, trial_credits_used: null, next_credit_reset_date: null }),
    ...(creditsExhaustedAt && { trial_credits_exhausted_at: null }),
  };
}

function workspaceFields({ id, name, status }: Pick<SandboxMembership, 'id' | 'name' | 'status'>) {
  return { id, name, status, created_at: CREATED_AT };
}
