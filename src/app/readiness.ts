import type { Readiness } from '../http/health.ts';
import type { SharedState } from './shared-state.ts';
import type { Workspace } from './workspace.ts';

type Workspaces = ReadonlyMap<string, Pick<Workspace, 'views' | 'catalogue'>>;

/**
 * Reports on a workspace, or on the whole bridge if no name is given; undefined if there is no such workspace. A
 * workspace is ready when every one of its views has tools. The bridge is ready as soon as one workspace is, so that
 * one Dify that is down does not take the others out of a load balancer. Redis, if configured, must have been reached
 * once; a later loss does not change that, because every replica uses the same Redis.
 */
export function readiness(
  workspaces: Workspaces,
  name: string | undefined,
  health: SharedState['health'] = 'up',
): Readiness | undefined {
  const wanted = name === undefined ? [...workspaces] : [...workspaces].filter(([known]) => known === name);
  if (wanted.length === 0) return undefined;
  const states = wanted.map(([known, workspace]) => [known, hasTools(workspace)] as const);
  const stale = wanted.flatMap(([known, workspace]) =>
    staleParts(workspace).map((part) => (wanted.length > 1 ? { workspace: known, ...part } : part)),
  );
  return {
    ready: states.some(([, isReady]) => isReady) && health !== 'waiting',
    facts: {
      workspaces:
        wanted.length > 1
          ? Object.fromEntries(states.map(([known, isReady]) => [known, isReady ? 'ready' : 'loading']))
          : undefined,
      stale: stale.length === 0 ? undefined : stale,
      redis: health === 'up' ? undefined : 'unavailable',
    },
  };
}

function hasTools({ views }: Pick<Workspace, 'views'>): boolean {
  return [...views.byName.values()].every((view) => view.registry.current() !== undefined);
}

/** Returns the stale parts without Dify's message, because the endpoint is public. */
function staleParts({ catalogue }: Pick<Workspace, 'catalogue'>) {
  return catalogue.status().stale.map(({ providerType, providerId, since }) => ({
    providerType,
    providerId,
    since: since.toISOString(),
  }));
}
