import { BridgeError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { ConsoleCredentials } from './session.ts';

/** A workspace; the wire format calls it a tenant. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  /** `normal` or `archive`; undefined if Dify does not say. */
  readonly status: string | undefined;
}

/** A workspace of the authenticated account. */
export interface AccountWorkspace extends Workspace {
  /**
   * True for the workspace whose tools Dify lists; with the admin key, the one that the request names.
   */
  readonly current: boolean;
}

/** Reads a list of workspaces, without entries that have no id. Returns undefined if it is not a list. */
export function toWorkspaces(raw: unknown): Workspace[] | undefined {
  return Array.isArray(raw) ? raw.flatMap((entry: unknown) => toWorkspace(entry) ?? []) : undefined;
}

/** Reads the workspaces of an account as `toWorkspaces` does. */
export function toAccountWorkspaces(raw: unknown): AccountWorkspace[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  return raw.flatMap((entry: unknown): AccountWorkspace[] => {
    const workspace = toWorkspace(entry);
    // The oldest releases write null for workspaces that are not current.
    const current = isJsonObject(entry) && entry['current'] === true;
    return workspace === undefined ? [] : [{ ...workspace, current }];
  });
}

function toWorkspace(raw: unknown): Workspace | undefined {
  if (!isJsonObject(raw)) return undefined;
  const { id, name, status } = raw;
  if (typeof id !== 'string' || id === '') return undefined;
  return {
    id,
    name: typeof name === 'string' ? name : id,
    status: typeof status === 'string' ? status : undefined,
  };
}

/**
 * Returns the current workspace of an account. Throws if none is current, or if the credentials name
 * another one.
 */
export function currentOf(
  workspaces: readonly AccountWorkspace[],
  { kind, workspaceId }: Pick<ConsoleCredentials, 'kind' | 'workspaceId'>,
): Workspace {
  const current = workspaces.find((workspace) => workspace.current);
  if (current === undefined) throw kind === 'login' ? accountIsNowhere() : workspaceIsHidden(workspaceId);
  const { id, name, status } = current;
  if (workspaceId === undefined || id.toLowerCase() === workspaceId.toLowerCase())
    return { id, name, status };
  if (kind === 'login') {
    throw new BridgeError(
      'upstream_unauthorized',
      `The account DIFY_EMAIL is in the workspace "${name}" (${id}), not in DIFY_WORKSPACE_ID.`,
      {
        hint:
          'Switch that account to the workspace in Dify, ideally an account used only by the bridge; or set ' +
          `DIFY_WORKSPACE_ID to ${id}; or use DIFY_ADMIN_API_KEY, which reaches every workspace.`,
      },
    );
  }
  throw new BridgeError(
    'upstream_unauthorized',
    `Dify answered the admin key with the workspace "${name}" (${id}), not for DIFY_WORKSPACE_ID.`,
    {
      hint:
        `Set DIFY_WORKSPACE_ID to ${id}, or check that no proxy between the bridge and Dify changes the ` +
        'X-WORKSPACE-ID header.',
    },
  );
}

function accountIsNowhere(): BridgeError {
  return new BridgeError('upstream_error', 'Dify reports no current workspace for the account DIFY_EMAIL.', {
    hint: 'Switch that account to the workspace in Dify, or use DIFY_ADMIN_API_KEY.',
  });
}

/** Dify omits archived workspaces from the owner's list. */
function workspaceIsHidden(workspaceId: string | undefined): BridgeError {
  return new BridgeError('upstream_error', `Dify does not list the workspace ${workspaceId} to its owner.`, {
    hint: 'It may be archived: set DIFY_WORKSPACE_ID to another workspace.',
  });
}
