import { BridgeError } from '../../model/errors.ts';
import type { DifyConsole } from './console.ts';
import type { Workspace } from './workspaces.ts';

const MAX_NAMED = 5;

export function unknownAdminKey(cause: unknown): BridgeError {
  return new BridgeError('upstream_unauthorized', 'Dify does not accept the admin key.', {
    hint:
      'DIFY_ADMIN_API_KEY must equal the ADMIN_API_KEY of this Dify: both ADMIN_API_KEY and ' +
      'ADMIN_API_KEY_ENABLE=true must be set in the environment of its api service. Otherwise use a login ' +
      '(DIFY_EMAIL and DIFY_PASSWORD).',
    cause,
  });
}

/**
 * Returns the error that says why Dify refused the admin key for a workspace. Dify answers a wrong key, an unknown
 * workspace and admin keys that are switched off alike; its list of all workspaces, which checks only the key, tells
 * them apart. Returns the original error if Dify does not answer that list.
 */
export async function explainAdminKeyError(
  difyConsole: Pick<DifyConsole, 'allWorkspaces'>,
  workspaceId: string,
  original: BridgeError,
  signal: AbortSignal,
): Promise<BridgeError> {
  let workspaces: readonly Workspace[];
  try {
    workspaces = await difyConsole.allWorkspaces(signal);
  } catch (error) {
    const judged = error instanceof BridgeError && error.code === 'upstream_unauthorized';
    return judged ? unknownAdminKey(original) : original;
  }
  if (workspaces.some(({ id }) => id.toLowerCase() === workspaceId.toLowerCase())) {
    return new BridgeError('upstream_unauthorized', 'Admin keys are switched off in this Dify.', {
      hint: 'Set ADMIN_API_KEY_ENABLE=true in the environment of its api service and restart it.',
      cause: original,
    });
  }
  return new BridgeError('upstream_unauthorized', `This Dify has no workspace ${workspaceId}.`, {
    hint: `Set DIFY_WORKSPACE_ID to one of these: ${describeWorkspaces(workspaces)}.`,
    cause: original,
  });
}

/** Returns workspaces by id and name, for a hint. */
export function describeWorkspaces(workspaces: readonly Workspace[]): string {
  const names = workspaces.slice(0, MAX_NAMED).map(({ id, name }) => `${id} (${name})`);
  if (workspaces.length > names.length) names.push(`${workspaces.length - names.length} more`);
  return names.join(', ');
}
