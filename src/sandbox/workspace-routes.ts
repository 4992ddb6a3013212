import type { JsonObject } from '../model/json.ts';
import { requireAdminKey, requireMember } from './console-admission.ts';
import { type App, route, type SandboxState } from './state.ts';

/** The creation time of the sandbox's workspace, in seconds since the epoch. */
const CREATED_AT = 1_795_383_042;

/** Adds the console's workspace routes of the release. */
export function addWorkspaceRoutes(app: App, state: SandboxState): void {
  const { features } = state;
  route(app, 'GET', '/console/api/workspaces', (c) => {
    requireMember(c, state);
    const opened = features.lastOpenedAt && { last_opened_at: CREATED_AT };
    return c.json({
      workspaces: [{ ...workspaceFields(state), plan: 'sandbox', ...opened, current: true }],
    });
  });
  route(app, 'GET', '/console/api/all-workspaces', (c) => {
    requireAdminKey(c, state);
    const page = Number(c.req.query('page') ?? 1);
    const limit = Number(c.req.query('limit') ?? 20);
    const data = page === 1 ? [workspaceFields(state)] : [];
    return c.json({ data, has_more: false, limit, page, total: 1 });
  });
  if (features.workspaceSummary) {
    route(app, 'GET', '/console/api/workspaces/current/summary', (c) => {
      requireMember(c, state);
      const { id, name } = state.workspace;
      return c.json({ id, name, role: 'owner', plan: null, credits: null });
    });
  } else {
    route(app, features.currentWorkspaceByPost ? 'POST' : 'GET', '/console/api/workspaces/current', (c) => {
      requireMember(c, state);
      return c.json(currentWorkspace(state));
    });
  }
}

function currentWorkspace(state: SandboxState): JsonObject {
  const { creditPool, creditsExhaustedAt } = state.features;
  return {
    ...workspaceFields(state),
    plan: 'basic',
    role: 'owner',
    in_trial: null,
    trial_end_reason: null,
    custom_config: null,
    ...(creditPool && { trial_credits: null, trial_credits_used: null, next_credit_reset_date: null }),
    ...(creditsExhaustedAt && { trial_credits_exhausted_at: null }),
  };
}

function workspaceFields(state: SandboxState) {
  return { id: state.workspace.id, name: state.workspace.name, status: 'normal', created_at: CREATED_AT };
}
