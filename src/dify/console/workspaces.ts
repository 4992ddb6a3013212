import { BridgeError } from '../../model/errors.ts';
import { isJsonObject } from '../../model/json.ts';
import type { ConsoleCredentials } from './session.ts';

/** A workspace (a tenant, on the wire). */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  /** `normal` or `archive`, where Dify says so. */
  readonly status: string | undefined;
}

/** A workspace of the account that asks. */
export interface AccountWorkspace extends Workspace {
  /** True for the one whose tools Dify lists: with the admin key, the one that the request names. */
  readonly current: boolean;
}

/** Reads a list of workspaces without the entries that have no id; undefined when it is not a list. */
export function toWorkspaces(raw: unknown): Workspace[] | undefined {
  return Array.isArray(raw) ? raw.flatMap((entry: unknown) => toWorkspace(entry) ?? []) : undefined;
}

/** Reads the workspaces of an account in the same way. */
export function toAccountWorkspaces(raw: unknown): AccountWorkspace[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  return raw.flatMap((entry: unknown): AccountWorkspace[] => {
    const workspace = toWorkspace(entry);
    // The oldest releases write null for those that are not current.
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
 * The current one of an account's workspaces. Throws when there is none, and when it is not the one that the
 * credentials name.
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
          'Switch that account to the workspace in Dify, best an account for the bridge alone; or set ' +
          `DIFY_WORKSPACE_ID to ${id}; or use DIFY_ADMIN_API_KEY, which reaches every workspace.`,
      },
    );
  }
  throw new BridgeError(
    'upstream_unauthorized',
    `Dify answers the admin key for the workspace "${name}" (${id}), not for DIFY_WORKSPACE_ID.`,
    {
      hint:
        `Set DIFY_WORKSPACE_ID to ${id}, or check that no proxy between the bridge and Dify changes the ` +
        'X-WORKSPACE-ID header.',
    },
  );
}

function accountIsNowhere(): BridgeError {
  return new BridgeError('upstream_error', 'Dify names no current workspace of the account DIFY_EMAIL.', {
    hint: 'Switch that account to the workspace in Dify, or use DIFY_ADMIN_API_KEY.',
  });
}

/** Dify lists the workspaces of the owner without those that are archived. */
function workspaceIsHidden(workspaceId: string | undefined): BridgeError {
  return new BridgeError('upstream_error', `Dify does not list the workspace ${workspaceId} to its owner.`, {
    hint: 'It may be archived: set DIFY_WORKSPACE_ID to another workspace.',
  });
}
