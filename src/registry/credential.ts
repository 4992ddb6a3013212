import type { ProviderCredential } from '../model/ports.ts';
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
