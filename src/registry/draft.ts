import type { FileParameter, PublishedTool, WithheldTool } from '../model/registry.ts';
import { argumentSchema } from './argument-schema.ts';
import { argumentParser } from './arguments.ts';
import { describeTool, providerLabelOf, titleOf } from './description.ts';
import { incompleteDetail } from './incomplete.ts';
import { buildInput, type ParameterDecision, type ToolInput } from './input.ts';
import type { NamedTool } from './names.ts';
import { buildOutputSchema } from './output.ts';
import { deepFreeze, publishSchema } from './publish-schema.ts';
import type { Preset, RegistryRules } from './rules.ts';

/** Dify says nothing of what a tool does; that it reaches beyond the bridge is all that is sure. */
const ANNOTATIONS = deepFreeze({ openWorldHint: true });

/** One tool of the catalogue, decided upon; a published one still waits for its name. */
export interface Draft {
  readonly named: NamedTool;
  readonly outcome:
    | { readonly published: Omit<PublishedTool, 'name'> }
    | { readonly withheld: Omit<WithheldTool, 'name'> };
  readonly notes: readonly string[];
  readonly decisions: readonly ParameterDecision[];
}

/** Decides upon one tool. Never throws: a tool that cannot be expressed is withheld as `invalid`. */
export function draftTool(named: NamedTool, preset: Preset | undefined, rules: RegistryRules): Draft {
  try {
    return decide(named, preset, rules);
  } catch (error) {
    const detail = `Its declaration cannot be expressed as an MCP tool: ${error instanceof Error ? error.message : 'unknown reason'}`;
    return withhold(named, named.tool.name, 'invalid', detail);
  }
}

/** The draft of a tool that is not published. */
export function withhold(
  named: NamedTool,
  title: string,
  reason: WithheldTool['reason'],
  detail: string,
  input?: ToolInput,
): Draft {
  return {
    named,
    outcome: { withheld: { title, ref: named.ref, reason, detail } },
    notes: input?.notes ?? [],
    decisions: input?.decisions ?? [],
  };
}

function decide(named: NamedTool, preset: Preset | undefined, rules: RegistryRules): Draft {
  const { provider, tool, ref, qualifiedName } = named;
  const title = titleOf(named, rules.languages);
  if (tool.name === '')
    return withhold(named, title, 'invalid', 'It has no name by which Dify could invoke it.');
  const input = buildInput(tool.parameters, { ref, preset, rules });
  if (!provider.authorized && rules.unauthorized === 'hide') {
    const detail =
      'Its provider has no credentials in Dify, and tools.unauthorized is "hide". ' +
      'Authorise the provider in Dify, or set tools.unauthorized to "publish".';
    return withhold(named, title, 'hidden', detail, input);
  }
  if (input.missing.length > 0) {
    return withhold(named, title, 'incomplete', incompleteDetail(qualifiedName, input.missing), input);
  }
  const inputSchema = publishSchema(argumentSchema(input.value));
  const outputSchema = buildOutputSchema(provider.type, tool);
  const published: Omit<PublishedTool, 'name'> = {
    title,
    description: describeTool(named, fileArguments(input), rules.languages),
    inputSchema,
    ...(outputSchema !== undefined && { outputSchema }),
    annotations: ANNOTATIONS,
    ref: Object.freeze(ref),
    providerLabel: providerLabelOf(named, rules.languages),
    authorized: provider.authorized,
    ...(preset?.credentialId !== undefined && { credentialId: preset.credentialId }),
    fileParameters: deepFreeze(input.fileParameters),
    parseArguments: argumentParser(input, inputSchema),
  };
  return { named, outcome: { published }, notes: input.notes, decisions: input.decisions };
}

/** The file parameters that callers set, by the names that they use. */
function fileArguments({ names, fileParameters }: ToolInput): FileParameter[] {
  return [...names].flatMap(([argument, name]) =>
    fileParameters.filter((file) => file.name === name).map(({ many }) => ({ name: argument, many })),
  );
}
