import type { ToolProvider } from '../model/tool.ts';
import type { ToolPreset } from './presets.ts';
import { listed } from './text.ts';

/** A credential as far as a preset can name it. */
export interface NamedCredential {
  readonly id: string;
  /** As Dify shows it. */
  readonly name: string;
}

/** Credentials by the id of their provider. */
export type ProviderCredentials = ReadonlyMap<string, readonly NamedCredential[]>;

/** Which credential calls use, or why that cannot be said. */
export type ChosenCredential =
  | { readonly ok: true; readonly id?: string; readonly fault?: string }
  | { readonly ok: false; readonly detail: string };

/** The credential that a preset asks for: an id as it is, a name by the provider's credentials. */
export function chooseCredential(
  preset: ToolPreset | undefined,
  provider: ToolProvider,
  credentials: ProviderCredentials | undefined,
): ChosenCredential {
  const { credential: name, credentialId: id } = preset ?? {};
  if (name === undefined && id === undefined) return { ok: true };
  if (provider.type !== 'builtin' || !provider.id.includes('/')) {
    const fault = 'The preset names a credential, which Dify heeds for tools of plugins alone.';
    return { ok: true, fault };
  }
  if (name === undefined) return { ok: true, ...(id !== undefined && { id }) };
  const quoted = JSON.stringify(name);
  const known = credentials?.get(provider.id);
  if (known === undefined) {
    const detail =
      `Its preset names the credential ${quoted}, and the credentials of ${provider.id} are not known. ` +
      'Let the bridge list them from Dify, or give the id as credentialId.';
    return { ok: false, detail };
  }
  const [found, ...others] = known.filter((credential) => credential.name === name);
  if (found === undefined) {
    const names = known.map((credential) => JSON.stringify(credential.name));
    const there = names.length === 0 ? 'There are none.' : `There are: ${listed(names, 300)}.`;
    return {
      ok: false,
      detail: `Its preset names the credential ${quoted}, which the provider does not have. ${there}`,
    };
  }
  if (others.length > 0) {
    const ids = [found, ...others].map((credential) => credential.id);
    const detail = `Its preset names the credential ${quoted}, a name that ${ids.length} of the provider have. Give one of their ids as credentialId: ${listed(ids, 300)}.`;
    return { ok: false, detail };
  }
  return { ok: true, id: found.id };
}
