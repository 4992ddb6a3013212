import { BridgeError } from '../../model/errors.ts';
import type { DifyConsole } from './console.ts';
import type { Workspace } from './workspaces.ts';

/** Workspaces that a hint names. */
const MAX_NAMED = 5;

/** The error for an admin key that Dify does not know. */
export function unknownAdminKey(cause: unknown): BridgeError {
  return new BridgeError('upstream_unauthorized', 'Dify does not accept the admin key.', {
    hint:
      'DIFY_ADMIN_API_KEY must be the ADMIN_API_KEY of this very Dify: both ADMIN_API_KEY and ' +
      'ADMIN_API_KEY_ENABLE=true must be set in the environment of its api service. Otherwise use a login ' +
      '(DIFY_EMAIL and DIFY_PASSWORD).',
    cause,
  });
}

/**
 * The error that says why Dify refused the admin key for a workspace: the key, the workspace, or admin keys are switched
 * off. Dify answers all three alike; its list of all workspaces, which checks only the key, tells them apart. Returns the
 * original error when that list cannot be had either.
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
    return new BridgeError('upstream_unauthorized', 'This Dify has admin keys switched off.', {
      hint: 'Set ADMIN_API_KEY_ENABLE=true in the environment of its api service and restart that.',
      cause: original,
    });
  }
  return new BridgeError('upstream_unauthorized', `This Dify has no workspace ${workspaceId}.`, {
    hint: `Set DIFY_WORKSPACE_ID to one that it has: ${describeWorkspaces(workspaces)}.`,
    cause: original,
  });
}

/** Workspaces by id and name, as a hint names them. */
export function describeWorkspaces(workspaces: readonly Workspace[]): string {
  const names = workspaces.slice(0, MAX_NAMED).map(({ id, name }) => `${id} (${name})`);
  if (workspaces.length > names.length) names.push(`${workspaces.length - names.length} more`);
  return names.join(', ');
}
