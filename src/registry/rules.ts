import type { JsonObject } from '../model/json.ts';

/** Values that the operator gives to the parameters of one tool. */
export interface Preset {
  /** By the parameter's name in Dify. */
  readonly parameters: JsonObject;
  /** True: callers may give another value, and the preset is the default that they see. */
  readonly overridable?: boolean;
  /** Which of the provider's credentials Dify uses; Dify heeds it for plugin tools alone. */
  readonly credentialId?: string;
}

/** What the operator decides about the published tools. */
export interface RegistryRules {
  /** `bare`: the tool's own name where no other published tool has it. */
  readonly names: 'qualified' | 'bare';
  /** Characters; clients put a prefix of their own before the name and stop at 60 or 64. */
  readonly maxNameLength: number;
  /** Locales in order of preference, in Dify's spelling (`en_US`, `zh_Hans`). */
  readonly languages: readonly string[];
  /** Whether parameters of form `form` come from presets and Dify's defaults, or from callers. */
  readonly formParameters: 'preset' | 'publish';
  /** What becomes of the tools of a provider that has no credentials in Dify. */
  readonly unauthorized: 'publish' | 'hide';
  /** By qualified name; with `names: bare` the bare name is taken as well. */
  readonly presets: Readonly<Record<string, Preset>>;
}
