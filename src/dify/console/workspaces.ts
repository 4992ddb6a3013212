import { BridgeError } from '../../model/errors.ts';
import { objectOf, textOf } from '../../model/json.ts';
import type { TokenStore } from './login.ts';
import type { ConsoleCredentials } from './session.ts';

/** A workspace; the wire format calls it a tenant. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  /** `normal` or `archive`; undefined if Dify does not say. */
  readonly status: string | undefined;
}

export interface AccountWorkspace extends Workspace {
  /** True for the workspace whose tools Dify lists; with the admin key, the one that the request names. */
  readonly current: boolean;
}

/** Reads a list of workspaces, without entries that have no id. Returns undefined if it is not a list. */
export function toWorkspaces(raw: unknown): AccountWorkspace[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  return raw.flatMap((entry: unknown): AccountWorkspace[] => {
    const { id: givenId, name, status, current } = objectOf(entry);
    const id = textOf(givenId);
    if (id === undefined) return [];
    return [
      {
        id,
        name: typeof name === 'string' ? name : id,
        status: typeof status === 'string' ? status : undefined,
        // The oldest releases write null for workspaces that are not current.
        current: current === true,
      },
    ];
  });
}

/** Returns the current workspace of an account. Throws if none is current, or if the credentials name another one. */
export function currentOf(
  workspaces: readonly AccountWorkspace[],
  credentials: Pick<ConsoleCredentials, 'kind' | 'workspaceId'> & {
    readonly store?: Pick<TokenStore, 'again'>;
  },
): Workspace {
  const { kind, workspaceId } = credentials;
  const current = workspaces.find((workspace) => workspace.current);
  if (current === undefined) throw kind === 'admin-key' ? workspaceIsHidden(workspaceId) : accountIsNowhere();
  const { id, name, status } = current;
  if (workspaceId === undefined || id.toLowerCase() === workspaceId.toLowerCase())
    return { id, name, status };
  if (kind === 'stored') throw movedAway(current, workspaceId, workspaces, credentials.store?.again);
  const [message, hint] =
    kind === 'login'
      ? [
          `The account DIFY_EMAIL is in the workspace "${name}" (${id}), not in DIFY_WORKSPACE_ID.`,
          'Switch that account to the workspace in Dify, ideally an account used only by the bridge; or set ' +
            `DIFY_WORKSPACE_ID to ${id}; or use DIFY_ADMIN_API_KEY, which reaches every workspace.`,
        ]
      : [
          `Dify answered the admin key with the workspace "${name}" (${id}), not for DIFY_WORKSPACE_ID.`,
          `Set DIFY_WORKSPACE_ID to ${id}, or check that no proxy between the bridge and Dify changes the ` +
            'X-WORKSPACE-ID header.',
        ];
  throw new BridgeError('upstream_unauthorized', message, { hint });
}

/** Returns the error for a stored login whose account has switched or left the workspace. */
function movedAway(
  current: Workspace,
  workspaceId: string,
  all: readonly Workspace[],
  again = 'sign in again',
): BridgeError {
  const home = all.find(({ id }) => id.toLowerCase() === workspaceId.toLowerCase());
  const [message, hint] =
    home === undefined
      ? [
          `The account is no longer a member of the workspace ${workspaceId}, or the workspace is archived.`,
          `Ask its owner, or ${again} to choose another workspace.`,
        ]
      : [
          `The account is now in the workspace "${current.name}", but this login is for "${home.name}".`,
          `Switch back to "${home.name}" in Dify, or ${again} to choose a workspace. ` +
            'An account that only the bridge uses avoids this.',
        ];
  return new BridgeError('upstream_unauthorized', message, { hint });
}

function accountIsNowhere(): BridgeError {
  const hint = 'Switch the account to the workspace in Dify, or use DIFY_ADMIN_API_KEY.';
  const message = 'Dify reports no current workspace for the account.';
  return new BridgeError('upstream_error', message, { hint });
}

/** Dify omits archived workspaces from the owner's list. */
function workspaceIsHidden(workspaceId: string | undefined): BridgeError {
  const hint = 'It may be archived: set DIFY_WORKSPACE_ID to another workspace.';
  const message = `Dify does not list the workspace ${workspaceId} to its owner.`;
  return new BridgeError('upstream_error', message, { hint });
}
