import { randomUUID } from 'node:crypto';
import type { ProviderType } from '../model/tool.ts';
import type { Features } from './features.ts';
import type { SandboxProvider, SandboxTool, SandboxWorkspace, StoredCredential } from './provider.ts';

/** The workspace, with what the routes need. */
export interface WorkspaceState extends SandboxWorkspace {
  readonly delay: number;
  /** Returns the providers of a type. */
  list(type: ProviderType): readonly SandboxProvider[];
  find(type: ProviderType, id: string): SandboxProvider | undefined;
  isBroken(providerId: string): boolean;
  listingIsBroken(type: ProviderType): boolean;
  isUnreadable(providerId: string): boolean;
  readonly hasUnreadable: boolean;
  credentials(providerId: string): readonly StoredCredential[];
  credential(id: string): StoredCredential | undefined;
  /** Returns the id of the end user behind a `user_id`; undefined if Dify finds none. */
  resolveUser(userId: string, features: Features): string | undefined;
}

/** Returns a workspace with the given providers. */
export function createWorkspace(
  id: string,
  name: string,
  initial: readonly SandboxProvider[],
): WorkspaceState {
  const providers = new Map(initial.map((provider) => [keyOf(provider.type, provider.id), provider]));
  const credentials = new Map<string, StoredCredential>();
  const brokenLists = new Set<ProviderType>();
  const brokenProviders = new Set<string>();
  const unreadable = new Set<string>();
  const endUsers = new Set<string>();
  let anonymous: string | undefined;
  let delay = 0;

  const changeTools = (
    type: ProviderType,
    providerId: string,
    change: (tools: SandboxTool[]) => SandboxTool[],
  ) => {
    const key = keyOf(type, providerId);
    const provider = providers.get(key);
    if (provider !== undefined) providers.set(key, { ...provider, tools: change([...provider.tools]) });
  };
  const createEndUser = (): string => {
    const endUser = randomUUID();
    endUsers.add(endUser);
    return endUser;
  };
  const ofProvider = (providerId: string): StoredCredential[] =>
    [...credentials.values()].filter((credential) => credential.providerId === providerId);

  return {
    id,
    name,
    get providers() {
      return [...providers.values()];
    },
    addProvider: (provider) => void providers.set(keyOf(provider.type, provider.id), provider),
    removeProvider: (type, providerId) => void providers.delete(keyOf(type, providerId)),
    putTool: (type, providerId, tool) =>
      changeTools(type, providerId, (tools) => {
        const index = tools.findIndex((other) => other.declaration.name === tool.declaration.name);
        return index < 0 ? [...tools, tool] : tools.with(index, tool);
      }),
    removeTool: (type, providerId, toolName) =>
      changeTools(type, providerId, (tools) => tools.filter((tool) => tool.declaration.name !== toolName)),
    renameTool: (type, providerId, toolName, newName) =>
      changeTools(type, providerId, (tools) =>
        tools.map((tool) =>
          tool.declaration.name === toolName
            ? { ...tool, declaration: { ...tool.declaration, name: newName } }
            : tool,
        ),
      ),
    renameCredential(credentialId, credentialName) {
      const credential = credentials.get(credentialId);
      if (credential !== undefined) credentials.set(credentialId, { ...credential, name: credentialName });
    },
    authorize(providerId, credentialName = 'API KEY 1', access = {}) {
      const { isForeign = false, visibility = isForeign ? 'only_me' : 'all_team_members' } = access;
      const credential = { id: randomUUID(), name: credentialName, providerId, visibility, isForeign };
      credentials.set(credential.id, credential);
      return credential.id;
    },
    revoke(providerId) {
      for (const credential of ofProvider(providerId)) credentials.delete(credential.id);
    },
    breakListing: (type) => void brokenLists.add(type),
    breakProvider: (providerId) => void brokenProviders.add(providerId),
    breakDeclaration: (providerId) => void unreadable.add(providerId),
    repair() {
      brokenLists.clear();
      brokenProviders.clear();
      unreadable.clear();
    },
    setDelay(milliseconds) {
      delay = milliseconds;
    },
    get delay() {
      return delay;
    },
    get endUserCount() {
      return endUsers.size;
    },
    list: (type) => [...providers.values()].filter((provider) => provider.type === type),
    find: (type, providerId) => providers.get(keyOf(type, providerId)),
    isBroken: (providerId) => brokenProviders.has(providerId),
    listingIsBroken: (type) => brokenLists.has(type) || (type === 'builtin' && brokenProviders.size > 0),
    isUnreadable: (providerId) => unreadable.has(providerId),
    get hasUnreadable() {
      return [...unreadable].some((providerId) => providers.has(keyOf('builtin', providerId)));
    },
    credentials: ofProvider,
    credential: (credentialId) => credentials.get(credentialId),
    resolveUser(userId, { refusesAnonymous, createsEndUsers }) {
      if (userId === '' || userId === 'DEFAULT-USER') {
        if (refusesAnonymous) return undefined;
        anonymous ??= createEndUser();
        return anonymous;
      }
      if (!isUuid(userId)) return undefined;
      if (endUsers.has(userId)) return userId;
      return createsEndUsers ? createEndUser() : undefined;
    },
  };
}

/** Returns true for a UUID in its usual form. */
export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

function keyOf(type: ProviderType, id: string): string {
  return `${type} ${id}`;
}
