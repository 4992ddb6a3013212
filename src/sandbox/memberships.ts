import { randomUUID } from 'node:crypto';

/** A workspace of the account, with its role there. */
export interface SandboxMembership {
  readonly id: string;
  readonly name: string;
  role: string;
  /** `normal` or `archive`. */
  status: string;
}

/** The workspaces of the account. All have the same tools and apps. */
export class SandboxMemberships {
  #all: SandboxMembership[];
  #currentId: string;

  constructor(first: { readonly id: string; readonly name: string }) {
    this.#all = [{ ...first, role: 'owner', status: 'normal' }];
    this.#currentId = first.id;
  }

  /** The workspaces that Dify lists. */
  get listed(): readonly SandboxMembership[] {
    return this.#all.filter(({ status }) => status === 'normal');
  }

  /** The workspace that the account works in; undefined once it is in none. */
  get current(): SandboxMembership | undefined {
    const found = this.#all.find(({ id }) => id === this.#currentId) ?? this.#all[0];
    // Dify makes the first workspace the current one of an account that has none.
    if (found !== undefined) this.#currentId = found.id;
    return found;
  }

  /** Makes the account a member of one more workspace. */
  join(name: string, role: string): SandboxMembership {
    const made = { id: randomUUID(), name, role, status: 'normal' };
    this.#all.push(made);
    return made;
  }

  leave(left: string): void {
    this.#all = this.#all.filter(({ id }) => id !== left);
  }

  archive(id: string): void {
    for (const one of this.#all) if (one.id === id) one.status = 'archive';
  }

  /**
   * Makes a workspace the current one, as a person does in the browser. Returns undefined if the account is not a member or the workspace is archived.
   */
  switchTo(id: string): SandboxMembership | undefined {
    const found = this.listed.find((one) => one.id === id);
    if (found !== undefined) this.#currentId = id;
    return found;
  }
}
