import type { ResultLimits } from '../model/content.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';
import type { ProviderType } from '../model/tool.ts';

/** Selects tools: by a glob (`*`, `?`) on the published name, or by an object whose facts must all match. */
export type Matcher = string | FactMatcher;

export interface FactMatcher {
  /** The published name, or with `names: bare` also the tool's own name. */
  readonly name?: string | undefined;
  /** The provider's id or name. */
  readonly provider?: string | undefined;
  /** The tool's own name in Dify. */
  readonly tool?: string | undefined;
  readonly type?: ProviderType | undefined;
  /** A label of the tool or of its provider, in any language and case, or a tag of the provider. */
  readonly label?: string | undefined;
}

/** A restriction of the values that callers can set for an argument. */
export interface Narrowing {
  readonly enum?: readonly Json[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly description?: string | undefined;
}

/** The operator's decisions about one tool, or about all tools that a glob matches. */
export interface Preset {
  /** Fixed values by the parameter's name in Dify. */
  readonly parameters: JsonObject;
  /** Whether callers may set other values. The preset is then the default that they see. */
  readonly overridable?: boolean | undefined;
  /** The `form` parameters that callers set. A value in `parameters` is then the default. */
  readonly publish?: readonly string[] | undefined;
  readonly narrow?: Readonly<Record<string, Narrowing>> | undefined;
  /** The ID of the provider's credential to use. Dify uses it only for tools of plugins. */
  readonly credentialId?: string | undefined;
  /** The name of the credential, as Dify shows it. */
  readonly credential?: string | undefined;
  /** Limits for the files and text in a result that override those of the view. */
  readonly results?: Partial<ResultLimits> | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** The effects of the tool, which Dify does not declare. */
  readonly readOnly?: boolean | undefined;
  readonly destructive?: boolean | undefined;
  readonly idempotent?: boolean | undefined;
}

export interface RegistryRules {
  /** `bare`: the tool's own name if no other published tool has it. */
  readonly names: 'qualified' | 'bare';
  /** In characters. Clients add a prefix and allow 60 or 64 in all. */
  readonly maxNameLength: number;
  /** Locales in order of preference, in Dify's spelling (`en_US`, `zh_Hans`). */
  readonly languages: readonly string[];
  /** Whether parameters of form `form` come from presets and Dify's defaults, or from callers. */
  readonly formParameters: 'preset' | 'publish';
  /** What to do with the tools of a provider without credentials in Dify. */
  readonly unauthorized: 'brief' | 'publish' | 'hide';
  /** Tools that are never published. */
  readonly deny: readonly Matcher[];
  /** The only tools that are published; if empty, all are. */
  readonly allow: readonly Matcher[];
  /** Whether to publish only tools whose preset declares them read-only. */
  readonly readOnly: boolean;
  /** The most tools to publish: pinned ones first, then by name. */
  readonly maxTools?: number | undefined;
  readonly pinned?: readonly Matcher[] | undefined;
  /** Presets by qualified name or glob; with `names: bare` also by bare name. */
  readonly presets: Readonly<Record<string, Preset>>;
  /** Current names by the old names under which tools can still be called. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** The ways in which callers may pass a file. Default: all but `path`. */
  readonly fileSources?: readonly FileSource[] | undefined;
  /** The paths of settings in the configuration, for advice. Default: `tools.<name>`. */
  readonly at?: Readonly<Record<string, string>> | undefined;
}

/** Returns the path of a setting of these rules in the configuration. */
export function settingOf(rules: RegistryRules, name: keyof RegistryRules): string {
  return rules.at?.[name] ?? `tools.${name}`;
}
