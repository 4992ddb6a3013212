import type { ResultLimits } from '../model/content.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';
import type { ProviderType } from '../model/tool.ts';

/**
 * Which tools a rule is about. A text is a glob on the published name; of an object all that is given must
 * fit. In a glob `*` matches any characters and `?` one.
 */
export type Matcher = string | FactMatcher;

export interface FactMatcher {
  /** The published name; with `names: bare` the tool's own name as well. */
  readonly name?: string | undefined;
  /** The provider's id or name. */
  readonly provider?: string | undefined;
  /** The tool's own name in Dify. */
  readonly tool?: string | undefined;
  readonly type?: ProviderType | undefined;
  /** A label of the tool or of its provider, in any language and case, or a tag of the provider. */
  readonly label?: string | undefined;
}

/** What is left of an argument that callers may use only in part. */
export interface Narrowing {
  readonly enum?: readonly Json[] | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly description?: string | undefined;
}

/** What the operator decides about one tool, or about all that a glob fits. */
export interface Preset {
  /** Fixed values by the parameter's name in Dify. */
  readonly parameters: JsonObject;
  /** True: callers may give another value, and the preset is the default that they see. */
  readonly overridable?: boolean | undefined;
  /** Parameters of form `form` that callers set. One with a value in `parameters` has it as its default. */
  readonly publish?: readonly string[] | undefined;
  readonly narrow?: Readonly<Record<string, Narrowing>> | undefined;
  /** Which of the provider's credentials Dify uses; Dify heeds it for plugin tools alone. */
  readonly credentialId?: string | undefined;
  /** The same by the name that Dify shows. */
  readonly credential?: string | undefined;
  /** How much of its files and text a result carries itself, where not as in the view. */
  readonly results?: Partial<ResultLimits> | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** The effects of the tool, which Dify does not declare. */
  readonly readOnly?: boolean | undefined;
  readonly destructive?: boolean | undefined;
  readonly idempotent?: boolean | undefined;
}

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
  /** Tools that are not published, whatever else says so. */
  readonly deny: readonly Matcher[];
  /** The only tools that are published; without any, all are. */
  readonly allow: readonly Matcher[];
  /** True: only tools whose preset declares that they change nothing. */
  readonly readOnly: boolean;
  /** Tools that are published at most: the pinned ones first, then by name. */
  readonly maxTools?: number | undefined;
  readonly pinned?: readonly Matcher[] | undefined;
  /** By qualified name or glob; with `names: bare` the bare name is taken as well. */
  readonly presets: Readonly<Record<string, Preset>>;
  /** Present names by the old names under which tools can still be called. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** The ways in which callers may hand over a file; all but `path` unless given. */
  readonly fileSources?: readonly FileSource[] | undefined;
  /** The paths of settings in the configuration, for advice; `tools.<name>` when absent. */
  readonly at?: Readonly<Record<string, string>> | undefined;
}

/** The path of a setting of these rules in the configuration. */
export function settingOf(rules: RegistryRules, name: keyof RegistryRules): string {
  return rules.at?.[name] ?? `tools.${name}`;
}
