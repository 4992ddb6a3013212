import { randomUUID } from 'node:crypto';
import type { ProviderType } from '../model/tool.ts';
import type { Features } from './features.ts';
import type { CredentialVisibility, SandboxProvider, SandboxTool, StoredCredential } from './provider.ts';

/** Who may use stored credentials; by default all members. */
export interface CredentialAccess {
  readonly visibility?: CredentialVisibility;
  /** Stored by another member, for itself alone. */
  readonly isForeign?: boolean;
}

/** The sandbox's workspace, which tests can change while it runs. */
export class SandboxWorkspace {
  /** The id, which an invocation sends as `tenant_id`. */
  readonly id: string;
  readonly name: string;
  /** The delay of every answer, in milliseconds. */
  delay = 0;
  readonly #providers = new Map<string, SandboxProvider>();
  readonly #credentials = new Map<string, StoredCredential>();
  readonly #brokenLists = new Set<ProviderType>();
  readonly #brokenProviders = new Set<string>();
  readonly #unreadable = new Set<string>();
  readonly #endUsers = new Set<string>();
  #anonymous: string | undefined;

  constructor(id: string, name: string, providers: readonly SandboxProvider[]) {
    this.id = id;
    this.name = name;
    for (const provider of providers) this.addProvider(provider);
  }

  get providers(): readonly SandboxProvider[] {
    return [...this.#providers.values()];
  }

  /** Adds a provider, or replaces the one with the same type and id. */
  addProvider(provider: SandboxProvider): void {
    this.#providers.set(keyOf(provider.type, provider.id), provider);
  }

  removeProvider(type: ProviderType, id: string): void {
    this.#providers.delete(keyOf(type, id));
  }

  /** Adds a tool to a provider, or replaces the one with the same name. */
  putTool(type: ProviderType, providerId: string, tool: SandboxTool): void {
    this.#changeTools(type, providerId, (tools) => {
      const index = tools.findIndex((other) => other.declaration.name === tool.declaration.name);
      return index < 0 ? [...tools, tool] : tools.with(index, tool);
    });
  }

  removeTool(type: ProviderType, providerId: string, name: string): void {
    this.#changeTools(type, providerId, (tools) => tools.filter((tool) => tool.declaration.name !== name));
  }

  /** Renames a tool in its place, as a plugin update may. */
  renameTool(type: ProviderType, providerId: string, name: string, newName: string): void {
    this.#changeTools(type, providerId, (tools) =>
      tools.map((tool) =>
        tool.declaration.name === name
          ? { ...tool, declaration: { ...tool.declaration, name: newName } }
          : tool,
      ),
    );
  }

  /** Stores credentials for a provider and returns their id. The first ones are the provider's default. */
  authorize(providerId: string, name = 'API KEY 1', access: CredentialAccess = {}): string {
    const { isForeign = false, visibility = isForeign ? 'only_me' : 'all_team_members' } = access;
    const credential = { id: randomUUID(), name, providerId, visibility, isForeign };
    this.#credentials.set(credential.id, credential);
    return credential.id;
  }

  renameCredential(id: string, name: string): void {
    const credential = this.#credentials.get(id);
    if (credential !== undefined) this.#credentials.set(id, { ...credential, name });
  }

  /** Removes all credentials of a provider. */
  revoke(providerId: string): void {
    for (const { id } of this.credentials(providerId)) this.#credentials.delete(id);
  }

  /** Makes the whole list of one type answer 400, as if the plugin daemon were down. */
  breakListing(type: ProviderType): void {
    this.#brokenLists.add(type);
  }

  /** Makes one builtin provider fail: its own route, and with it all of `tools/builtin`. */
  breakProvider(id: string): void {
    this.#brokenProviders.add(id);
  }

  /**
   * Gives a plugin a declaration that Dify cannot read, such as one for a newer Dify. Its provider's
   * routes and calls fail, and both lists of builtin providers; the list of plugins still works.
   */
  breakDeclaration(id: string): void {
    this.#unreadable.add(id);
  }

  /** Undoes `breakListing`, `breakProvider` and `breakDeclaration`. */
  repair(): void {
    for (const broken of [this.#brokenLists, this.#brokenProviders, this.#unreadable]) broken.clear();
  }

  /** End users that invocations have created so far. */
  get endUserCount(): number {
    return this.#endUsers.size;
  }

  /** Returns the providers of a type. */
  list(type: ProviderType): readonly SandboxProvider[] {
    return this.providers.filter((provider) => provider.type === type);
  }

  find(type: ProviderType, id: string): SandboxProvider | undefined {
    return this.#providers.get(keyOf(type, id));
  }

  isBroken(providerId: string): boolean {
    return this.#brokenProviders.has(providerId);
  }

  listingIsBroken(type: ProviderType): boolean {
    return this.#brokenLists.has(type) || (type === 'builtin' && this.#brokenProviders.size > 0);
  }

  isUnreadable(providerId: string): boolean {
    return this.#unreadable.has(providerId);
  }

  get hasUnreadable(): boolean {
    return this.list('builtin').some(({ id }) => this.#unreadable.has(id));
  }

  credentials(providerId: string): readonly StoredCredential[] {
    return [...this.#credentials.values()].filter((credential) => credential.providerId === providerId);
  }

  credential(id: string): StoredCredential | undefined {
    return this.#credentials.get(id);
  }

  /** Returns the id of the end user behind a `user_id`; undefined if Dify finds none. */
  resolveUser(userId: string, { refusesAnonymous, createsEndUsers }: Features): string | undefined {
    if (userId === '' || userId === 'DEFAULT-USER') {
      if (refusesAnonymous) return undefined;
      this.#anonymous ??= this.#createEndUser();
      return this.#anonymous;
    }
    if (!isUuid(userId)) return undefined;
    if (this.#endUsers.has(userId)) return userId;
    return createsEndUsers ? this.#createEndUser() : undefined;
  }

  #createEndUser(): string {
    const endUser = randomUUID();
    this.#endUsers.add(endUser);
    return endUser;
  }

  #changeTools(
    type: ProviderType,
    providerId: string,
    change: (tools: readonly SandboxTool[]) => readonly SandboxTool[],
  ): void {
    const provider = this.find(type, providerId);
    if (provider !== undefined) this.addProvider({ ...provider, tools: change(provider.tools) });
  }
}

/** Returns true for a UUID in its usual form. */
export function isUuid(value: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value);
}

function keyOf(type: ProviderType, id: string): string {
  return `${type} ${id}`;
}
