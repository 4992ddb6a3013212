import type { Json } from '../model/json.ts';
import type { FileParameter } from '../model/registry.ts';
import type { ToolParameter } from '../model/tool.ts';
import { closestMatches, didYouMean } from '../model/closest.ts';
import { fileRefusal, takesFiles } from './file-parameter.ts';
import { type ParameterSource, type SourceContext, resolveSource, unfitting } from './parameter-source.ts';
import type { Missing } from './incomplete.ts';
import { bindsParameter, presetParameters, presetProblem, type ToolNote } from './presets.ts';
import type { Preset } from './rules.ts';
import { propertyNames } from './property-names.ts';
import type { ObjectShape, Property, Value } from './shape.ts';

/** The arguments of a tool, and the values that the bridge adds. */
export interface ToolInput {
  /** The shape of the arguments, a closed object. */
  readonly value: Value & { readonly shape: ObjectShape };
  /** The values sent with every call, by Dify's parameter name. */
  readonly fixed: readonly (readonly [string, Json])[];
  /** Parameters that exist in Dify but that callers cannot set. */
  readonly reserved: ReadonlySet<string>;
  readonly fileParameters: readonly FileParameter[];
  /** Why the tool cannot currently be called; empty if it can. */
  readonly missing: readonly Missing[];
  readonly notes: readonly ToolNote[];
  /** The source of each parameter's value, in words. */
  readonly decisions: readonly { readonly name: string; readonly decision: string }[];
}

/** Decides for each parameter of a tool whether its value comes from callers, presets or Dify. */
export function buildInput(parameters: readonly ToolParameter[], context: SourceContext): ToolInput {
  const notes: ToolNote[] = [];
  const distinct = withoutRepeats(parameters, notes);
  const unknown = unknownParameters(distinct, context);
  notes.push(...unknown.map(({ problem }) => problem));
  const argumentNames = propertyNames(distinct.map(({ name }) => name));
  const properties: Property[] = [];
  const fixed: [string, Json][] = [];
  const reserved = new Set<string>();
  const fileParameters: FileParameter[] = [];
  const missing: Missing[] = unknown.filter(({ binds }) => binds).map(({ problem }) => unfitting([problem]));
  const decisions: { name: string; decision: string }[] = [];
  const refused = fileRefusal(context.ref);
  for (const parameter of distinct) {
    const { name } = parameter;
    const { source, notes: found } = resolveSource(parameter, context);
    notes.push(...found);
    if (source.kind === 'argument') {
      const published = argumentNames.get(name) ?? name;
      const { value, required } = source;
      const alias = published === name ? undefined : name;
      properties.push({ name: published, required, ...value, default: source.default, alias });
      if (published !== name)
        notes.push({ message: `The parameter "${name}" is published as "${published}".` });
    } else reserved.add(name);
    if (source.kind === 'fixed') fixed.push([name, source.value]);
    if (source.kind === 'missing') missing.push(source);
    const sent = source.kind === 'argument' || source.kind === 'fixed';
    if (sent && takesFiles(parameter)) fileParameters.push({ name, refused });
    decisions.push({ name, decision: decisionText(source) });
  }
  const value = { shape: { kind: 'object', properties, open: false } } as const;
  return { value, fixed, reserved, fileParameters, missing, notes, decisions };
}

function withoutRepeats(parameters: readonly ToolParameter[], notes: ToolNote[]): ToolParameter[] {
  const byName = new Map<string, ToolParameter>();
  const repeated = new Set<string>();
  for (const parameter of parameters) {
    if (byName.has(parameter.name)) repeated.add(parameter.name);
    else byName.set(parameter.name, parameter);
  }
  for (const name of repeated) {
    notes.push({
      message: `The parameter "${name}" is declared several times; the first declaration is used.`,
    });
  }
  return [...byName.values()];
}

/** Returns the parameters that a preset by this tool's name has and the tool lacks; `binds`: it restricted callers. */
function unknownParameters(parameters: readonly ToolParameter[], context: SourceContext) {
  const { preset } = context;
  if (preset === undefined) return [];
  const exact = preset.parts.filter(({ isExact }) => isExact);
  const known = parameters.map(({ name }) => name);
  return [...new Set(exact.flatMap((part) => presetParameters(part.preset)))]
    .filter((name) => !known.includes(name))
    .map((name) => {
      const advice = didYouMean(closestMatches(name, known, 1).map((near) => `"${near}"`));
      const message = `The preset names a parameter "${name}", which the tool does not have.${advice}`;
      const says = (each: Preset, isExact: boolean): boolean =>
        isExact && presetParameters(each).includes(name);
      return { problem: presetProblem(message, context, says), binds: bindsParameter(preset, name) };
    });
}

function decisionText(source: ParameterSource): string {
  switch (source.kind) {
    case 'argument':
      if (source.default !== undefined) return 'an argument with a default';
      return source.required ? 'a required argument' : 'an optional argument';
    case 'fixed':
      return source.from === 'preset' ? 'preset by the operator' : 'sent with its declared default';
    case 'absent':
      return `not published: ${source.reason}`;
    default:
      return 'without a value';
  }
}
