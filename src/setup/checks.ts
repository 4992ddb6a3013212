import {
  explainAdminKeyError,
  describeWorkspaces,
  unknownAdminKey,
} from '../dify/console/admin-key-errors.ts';
import { createConsole } from '../dify/console/console.ts';
import type { DifyHttp } from '../dify/wire/http.ts';
import { probeInnerApi, probeInnerKey, probeSigning, probeVersion } from '../dify/inner/probe.ts';
import { currentOf, type Workspace } from '../dify/console/workspaces.ts';
import { BridgeError } from '../model/errors.ts';

export type Credential =
  | { readonly kind: 'admin-key'; readonly key: string }
  | { readonly kind: 'login'; readonly email: string; readonly password: string };

/** The workspaces that a credential can reach. */
export interface ReachableWorkspaces {
  /** The workspaces that the bridge can serve. */
  readonly workspaces: readonly Workspace[];
  /** Other workspaces of the account, to which it would first have to switch in Dify. */
  readonly elsewhere: readonly Workspace[];
}

const UNPUBLISHED =
  'Dify\'s own Docker Compose files do not publish port 5001 of the api service. Add it to docker-compose.override.yaml (services: api: ports: ["127.0.0.1:5001:5001"]), or run the bridge in Dify\'s network.';

/**
 * Checks that Dify's api service, including the inner API, is at an address. Returns its version if Dify
 * reports it. Throws a BridgeError if not.
 */
export async function checkAddress(http: DifyHttp, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { version } = await probeVersion(http, signal);
    await probeInnerApi(http, signal);
    return version;
  } catch (error) {
    throw withRemedy(error);
  }
}

/** Returns at least one workspace. Rejects with `upstream_unauthorized`. */
export async function findWorkspaces(
  http: DifyHttp,
  credential: Credential,
  signal: AbortSignal,
): Promise<ReachableWorkspaces> {
  const found =
    credential.kind === 'admin-key'
      ? { workspaces: await everyWorkspace(http, credential.key, signal), elsewhere: [] }
      : await workspacesOfAccount(http, credential, signal);
  if (found.workspaces.length > 0) return found;
  throw new BridgeError('upstream_not_ready', 'This Dify has no workspace yet.', {
    hint: 'Open Dify in a browser, finish its installation and sign in once.',
  });
}

async function everyWorkspace(
  http: DifyHttp,
  key: string,
  signal: AbortSignal,
): Promise<readonly Workspace[]> {
  const difyConsole = createConsole(http, { kind: 'admin-key', key, workspaceId: '' });
  try {
    return (await difyConsole.allWorkspaces(signal)).filter(({ status }) => status !== 'archive');
  } catch (error) {
    const refused = error instanceof BridgeError && error.code === 'upstream_unauthorized';
    throw refused ? unknownAdminKey(error) : error;
  }
}

async function workspacesOfAccount(
  http: DifyHttp,
  credential: Extract<Credential, { kind: 'login' }>,
  signal: AbortSignal,
): Promise<ReachableWorkspaces> {
  const all = await createConsole(http, credential).workspaces(signal);
  const current = currentOf(all, credential);
  return { workspaces: [current], elsewhere: all.filter(({ id }) => id !== current.id) };
}

/** Returns the workspace with an id or a name. Throws `usage` with the available ones if none fits. */
export function chosenWorkspace(
  { workspaces, elsewhere }: ReachableWorkspaces,
  asked: string | undefined,
): Workspace {
  const [only, second] = workspaces;
  if (asked === undefined) {
    if (only !== undefined && second === undefined) return only;
    throw new BridgeError('usage', 'This Dify has several workspaces.', {
      hint: `Name one with --workspace: ${describeWorkspaces(workspaces)}.`,
    });
  }
  const fits = ({ id, name }: Workspace): boolean =>
    id.toLowerCase() === asked.toLowerCase() || name === asked;
  const found = workspaces.filter(fits);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (found.length > 1) {
    throw new BridgeError('usage', `Several workspaces are called ${JSON.stringify(asked)}.`, {
      hint: `Name one by its id: ${describeWorkspaces(found)}.`,
    });
  }
  if (elsewhere.some(fits)) {
    const message = `The account is currently in another workspace: ${describeWorkspaces(workspaces)}.`;
    throw new BridgeError('upstream_unauthorized', message, {
      hint: 'Switch it to the requested workspace in Dify, ideally an account used only by the bridge, or use an admin key.',
    });
  }
  throw new BridgeError('usage', `This Dify has no workspace ${JSON.stringify(asked)}.`, {
    hint: `It has ${describeWorkspaces(workspaces)}. Check that this is the Dify you mean.`,
  });
}

/** Checks that the credential can list the tools of a workspace. */
export async function checkListing(
  http: DifyHttp,
  credential: Credential,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<void> {
  // The login has already shown that it can; another login would only bring the account closer to a lock.
  if (credential.kind === 'login') return;
  const difyConsole = createConsole(http, { ...credential, workspaceId: workspace.id });
  try {
    await difyConsole.currentWorkspace(signal);
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'upstream_unauthorized') throw error;
    throw await explainAdminKeyError(difyConsole, workspace.id, error, signal);
  }
}

/** Checks that the inner API key can call tools of a workspace. */
export async function checkInnerKey(
  http: DifyHttp,
  innerApiKey: string,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<void> {
  try {
    await probeInnerKey(http, { innerApiKey, tenantId: workspace.id }, signal);
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code !== 'upstream_unauthorized') throw error;
    throw new BridgeError(error.code, 'The Dify at this address does not accept the inner API key.', {
      hint: "It is PLUGIN_DIFY_INNER_API_KEY in docker/.env of this Dify (INNER_API_KEY_FOR_PLUGIN where Dify runs from its sources). A key from another Dify's file does not fit.",
      cause: error,
    });
  }
}

/** Checks that links signed with the secret key open files. */
export async function checkSecretKey(http: DifyHttp, secretKey: string, signal: AbortSignal): Promise<void> {
  const { verdict, status } = await probeSigning(http, secretKey, signal);
  if (verdict === 'accepted') return;
  if (verdict === 'refused') {
    throw new BridgeError('upstream_unauthorized', 'Dify refuses links signed with this SECRET_KEY.', {
      hint: "It is SECRET_KEY in docker/.env of this Dify. If it is right, the clocks of this machine and of Dify's differ by minutes.",
    });
  }
  const message = `Dify answered a signed link with the unexpected status ${status}.`;
  throw new BridgeError('upstream_error', message, {
    hint: 'Check that /files at this address points to the api service.',
  });
}

function withRemedy(error: unknown): unknown {
  if (!(error instanceof BridgeError)) return error;
  const { code, message, hint, upstream } = error;
  if (code !== 'upstream_unreachable' && code !== 'upstream_wrong_address') return error;
  return new BridgeError(code, message, {
    hint: hint === undefined ? UNPUBLISHED : `${hint}\n${UNPUBLISHED}`,
    cause: error,
    upstream,
  });
}
