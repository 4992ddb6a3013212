import type { CredentialListing, ProviderCredential } from '../model/ports.ts';
import type { PublishedTool } from '../model/registry.ts';
import type { ToolProvider } from '../model/tool.ts';
import { type PresetProblem, presetProblem, type ToolPreset } from './presets.ts';
import type { Preset, RegistryRules } from './rules.ts';
import { listed } from './text.ts';

/** Credentials by the id of their provider, as far as a preset can name them. */
export type ProviderCredentials = ReadonlyMap<string, readonly ProviderCredential[]>;

export type ChosenCredential =
  | { readonly ok: true; readonly id?: string | undefined; readonly problem?: PresetProblem }
  | { readonly ok: false; readonly problem: PresetProblem };

/** Returns the credential that a preset names: an ID unchanged, a name looked up among the provider's credentials. */
export function chooseCredential(
  context: { readonly preset: ToolPreset | undefined; readonly rules: RegistryRules },
  provider: ToolProvider,
  credentials: ProviderCredentials | undefined,
): ChosenCredential {
  const { credential: name, credentialId: id } = context.preset ?? {};
  if (name === undefined && id === undefined) return { ok: true };
  if (provider.type !== 'builtin' || !provider.id.includes('/')) {
    const message = 'The preset names a credential, but Dify uses credentials only for tools of plugins.';
    return { ok: true, problem: presetProblem(message, context, namesCredential) };
  }
  if (name === undefined) return { ok: true, id };
  const quoted = JSON.stringify(name);
  const refuse = (message: string): ChosenCredential => ({
    ok: false,
    problem: presetProblem(message, context, namesCredential),
  });
  const known = credentials?.get(provider.id);
  if (known === undefined) {
    return refuse(
      `Its preset names the credential ${quoted}, but the credentials of ${provider.id} are unknown. ` +
        'Let the bridge list them from Dify, or set credentialId to the ID.',
    );
  }
  const found = known.filter((credential) => credential.name === name);
  if (found.length === 0) {
    const names = known.map((credential) => JSON.stringify(credential.name));
    const existing = names.length === 0 ? 'It has none.' : `It has: ${listed(names, 300)}.`;
    return refuse(`Its preset names the credential ${quoted}, which the provider does not have. ${existing}`);
  }
  const ids = found.map((credential) => credential.id);
  if (ids.length > 1) {
    return refuse(
      `Its preset names the credential ${quoted}, but ${ids.length} credentials of the provider have that name. ` +
        `Set credentialId to one of their IDs: ${listed(ids, 300)}.`,
    );
  }
  return { ok: true, id: ids[0] };
}

function namesCredential({ credential, credentialId }: Preset): boolean {
  return credential !== undefined || credentialId !== undefined;
}

const VISIBILITIES: Readonly<Record<string, string>> = {
  all_team_members: 'visible to all members',
  only_me: 'private to the member who added it',
  partial_members: 'visible to some members',
};

/** Which credential the calls of a tool use. */
export interface UsedCredential {
  readonly sentence: string;
  /** Whether it is private to one or some members of the workspace, as far as Dify says. */
  readonly isPrivate: boolean;
}

/** Returns which credential Dify takes for a tool; undefined if its provider needs none. */
export function usedCredential(
  { credentialId }: Pick<PublishedTool, 'credentialId'>,
  { needed, credentials }: CredentialListing,
): UsedCredential | undefined {
  if (!needed) return undefined;
  if (credentialId !== undefined) {
    const chosen = credentials.find(({ id }) => id.toLowerCase() === credentialId.toLowerCase());
    if (chosen !== undefined) return used(chosen, 'as its preset says.');
    const what = `Calls use the credential ${credentialId} of the preset, which Dify does not list for this account`;
    return { sentence: `${what}: it was deleted, or is private to another member.`, isPrivate: true };
  }
  const [first] = credentials;
  if (first === undefined) {
    const what = 'Calls use a credential that Dify does not list for this account';
    return { sentence: `${what}: it is private to another member.`, isPrivate: true };
  }
  const rule = 'because Dify takes the default one, else the oldest.';
  // Before 1.15, Dify has no private credentials.
  const hidden =
    ' It prefers a private one of another member, which it does not list, if that is the default or older.';
  return used(first, first.visibility === undefined ? rule : `${rule}${hidden}`);
}

function used({ name, visibility }: ProviderCredential, why: string): UsedCredential {
  const who = visibility === undefined ? '' : ` (${VISIBILITIES[visibility] ?? visibility})`;
  return {
    sentence: `Calls use the credential ${JSON.stringify(name)}${who}, ${why}`,
    isPrivate: visibility !== undefined && visibility !== 'all_team_members',
  };
}
