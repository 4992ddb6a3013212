import { type JsonObject, withoutUndefined } from '../model/json.ts';
import type { FormParameter } from '../model/ports.ts';
import type { FileParameter, PublishedTool, WithheldTool } from '../model/registry.ts';
import type { DifyTool } from '../model/tool.ts';
import { argumentParser } from './arguments.ts';
import { chooseCredential, type ProviderCredentials } from './credential.ts';
import { describeTool, otherTextsOf, providerLabelOf, titleOf } from './description.ts';
import { incompleteDetail } from './incomplete.ts';
import { buildInput, type ToolInput } from './input.ts';
import type { SourceContext } from './parameter-source.ts';
import type { NamedTool } from './names.ts';
import { buildOutputSchema } from './output.ts';
import type { ToolNote, ToolPreset } from './presets.ts';
import { deepFreeze, publishSchema } from './publish-schema.ts';
import { type Preset, type RegistryRules, settingOf } from './rules.ts';
import type { Selection } from './selection.ts';

/** The decision on one tool of the catalogue. A published tool does not have its name yet. */
export interface Draft {
  readonly named: NamedTool;
  readonly outcome:
    | { readonly published: Omit<PublishedTool, 'name'> }
    | { readonly withheld: Omit<WithheldTool, 'name'> };
  readonly notes: readonly ToolNote[];
  /** The settings of the presets that match it. */
  readonly presets: readonly string[];
  /** Derives the tool's input again, with the decision on each parameter; absent if a rule decided before that. */
  readonly inputOf?: (() => ToolInput) | undefined;
  /** The verdicts of the rules. */
  readonly lines: readonly string[];
}

export interface DraftContext {
  readonly preset: ToolPreset | undefined;
  readonly selection: Selection;
  readonly rules: RegistryRules;
  readonly credentials: ProviderCredentials | undefined;
}

/** Returns the decision on one tool. Never throws: a tool that cannot be expressed is withheld as `invalid`. */
export function draftTool(named: NamedTool, context: DraftContext): Draft {
  try {
    return decide(named, context);
  } catch (error) {
    const detail = `Its declaration cannot be expressed as an MCP tool: ${error instanceof Error ? error.message : 'unknown reason'}`;
    return withhold(named, named.tool.name, 'invalid', detail, { lines: context.selection.lines });
  }
}

export function withhold(
  named: NamedTool,
  title: string,
  reason: WithheldTool['reason'],
  detail: string,
  known: Partial<Pick<Draft, 'notes' | 'presets' | 'inputOf' | 'lines'>> = {},
): Draft {
  const { notes = [], presets = [], inputOf, lines = [] } = known;
  const outcome = { withheld: { title, ref: named.ref, reason, detail } };
  return { named, outcome, notes, presets, inputOf, lines };
}

function decide(named: NamedTool, context: DraftContext): Draft {
  const { preset, selection, rules, credentials } = context;
  const { provider, tool, ref, qualifiedName } = named;
  const title = titleOf(named, rules.languages, preset);
  const presets = preset?.parts.map(({ setting }) => setting) ?? [];
  const lines = [...selection.lines];
  const hide = (detail: string): Draft => withhold(named, title, 'hidden', detail, { presets, lines });
  if (selection.hidden !== undefined) return hide(selection.hidden);
  if (!provider.authorized) {
    const setting = settingOf(rules, 'unauthorized');
    lines.push(`${setting}: ${rules.unauthorized}, and the provider has no credentials`);
    if (rules.unauthorized === 'hide') {
      return hide(
        `Its provider has no credentials in Dify, and ${setting} is "hide". ` +
          `Authorise the provider in Dify, or set ${setting} to "brief" or "publish".`,
      );
    }
  }
  if (tool.name === '') {
    return withhold(named, title, 'invalid', 'It has no name, so Dify cannot invoke it.', { lines });
  }
  const inputOf = inputMaker(tool, { ref, preset, rules });
  const input = inputOf();
  const credential = chooseCredential({ preset, rules }, provider, credentials);
  const notes = credential.problem === undefined ? input.notes : [...input.notes, credential.problem];
  const known = { notes, presets, inputOf, lines };
  if (input.missing.length > 0) {
    const detail = incompleteDetail(qualifiedName, input.missing, rules);
    return withhold(named, title, 'incomplete', detail, known);
  }
  if (!credential.ok) {
    return withhold(named, title, 'incomplete', credential.problem.message, known);
  }
  const inputSchema = publishSchema(input.value);
  if (rules.readOnly) {
    const setting = settingOf(rules, 'readOnly');
    if (preset?.readOnly !== true) {
      lines.push(`${setting}: no preset declares the tool readOnly`);
      const detail = `${setting} is true, and no preset declares the tool read-only. If it changes nothing, declare "readOnly: true" in ${settingOf(rules, 'presets')}.`;
      return withhold(named, title, 'hidden', detail, known);
    }
    lines.push(`${setting}: its preset declares it readOnly`);
  }
  const providerLabel = providerLabelOf(named, rules.languages);
  const published: Omit<PublishedTool, 'name'> = {
    title,
    description: describeTool(named, fileArguments(input), rules, preset),
    inputSchema,
    outputSchema: buildOutputSchema(provider.type, tool),
    annotations: annotationsOf(preset),
    ref: Object.freeze(ref),
    providerLabel,
    otherTexts: otherTextsOf(named, rules.languages, title, providerLabel),
    authorized: provider.authorized,
    credentialId: credential.id,
    forms: formsOf(tool),
    results: preset?.results,
    fileParameters: deepFreeze(input.fileParameters),
    parseArguments: argumentParser(inputOf),
  };
  return { named, outcome: { published }, ...known };
}

function formsOf({ parameters }: DifyTool): readonly FormParameter[] | undefined {
  const forms = parameters.filter(({ form }) => form === 'form');
  if (forms.length === 0) return undefined;
  return forms.map(({ name, default: value }) => ({ name, default: value === '' ? undefined : value }));
}

/** A separate function, so that the closure for a tool's first call refers to nothing else. */
function inputMaker({ parameters }: DifyTool, context: SourceContext): () => ToolInput {
  return () => buildInput(parameters, context);
}

/** Returns the effects that the preset of a tool declares. Dify declares none, and MCP's defaults assume the most. */
function annotationsOf(preset: Preset | undefined): JsonObject {
  const { readOnly, destructive, idempotent } = preset ?? {};
  const declared = { readOnlyHint: readOnly, destructiveHint: destructive, idempotentHint: idempotent };
  return Object.freeze(withoutUndefined(declared));
}

/** Returns the file parameters that callers set, by argument name. */
function fileArguments({ value, fileParameters }: ToolInput): FileParameter[] {
  return value.shape.properties.flatMap(({ name, alias = name }) =>
    fileParameters.filter((file) => file.name === alias).map((file) => ({ ...file, name })),
  );
}
