import type { Json } from '../model/json.ts';
import type { FileParameter } from '../model/registry.ts';
import type { ToolParameter } from '../model/tool.ts';
import { closestMatches, didYouMean } from '../model/closest.ts';
import { fileRefusal, takesFiles, takesManyFiles } from './file-parameter.ts';
import { type ParameterSource, type SourceContext, resolveSource, unfitting } from './parameter-source.ts';
import type { Missing } from './incomplete.ts';
import { bindsParameter, presetParameters, presetProblem, type ToolNote } from './presets.ts';
import type { Preset } from './rules.ts';
import { isPropertyName, type Property, type Value } from './shape.ts';

/** What a tool takes and what the bridge adds to it. */
export interface ToolInput {
  /** The arguments: a closed object. */
  readonly value: Value;
  /** Dify's parameter name by argument name. */
  readonly names: ReadonlyMap<string, string>;
  /** Sent with every call, by Dify's parameter name. */
  readonly fixed: readonly (readonly [string, Json])[];
  /** Parameters that exist in Dify but are not for callers. */
  readonly reserved: ReadonlySet<string>;
  readonly fileParameters: readonly FileParameter[];
  /** Why the tool cannot be called as things are; empty when it can. */
  readonly missing: readonly Missing[];
  readonly notes: readonly ToolNote[];
  /** The source of each parameter's value, in words. */
  readonly decisions: readonly { readonly name: string; readonly decision: string }[];
}

/** Decides for each parameter of a tool whether callers, presets or Dify give its value. */
export function buildInput(parameters: readonly ToolParameter[], context: SourceContext): ToolInput {
  const notes: ToolNote[] = [];
  const distinct = withoutRepeats(parameters, notes);
  const unknown = unknownParameters(distinct, context);
  notes.push(...unknown.map(({ problem }) => problem));
  const argumentNames = nameArguments(distinct);
  const properties: Property[] = [];
  const names = new Map<string, string>();
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
      const published = argumentNames.get(parameter) ?? name;
      const { value, required } = source;
      properties.push({ name: published, required, ...value, default: source.default });
      names.set(published, name);
      if (published !== name) {
        notes.push({ message: `The parameter "${name}" is published as "${published}".` });
      }
    } else {
      reserved.add(name);
    }
    if (source.kind === 'fixed') fixed.push([name, source.value]);
    if (source.kind === 'missing') missing.push(source);
    const sent = source.kind === 'argument' || source.kind === 'fixed';
    if (sent && takesFiles(parameter)) {
      fileParameters.push({ name, many: takesManyFiles(parameter), refused });
    }
    decisions.push({ name, decision: decisionText(source) });
  }
  const value: Value = { shape: { kind: 'object', properties, open: false } };
  return { value, names, fixed, reserved, fileParameters, missing, notes, decisions };
}

function withoutRepeats(parameters: readonly ToolParameter[], notes: ToolNote[]): ToolParameter[] {
  const byName = new Map<string, ToolParameter>();
  const repeated = new Set<string>();
  for (const parameter of parameters) {
    if (byName.has(parameter.name)) repeated.add(parameter.name);
    else byName.set(parameter.name, parameter);
  }
  for (const name of repeated)
    notes.push({ message: `The parameter "${name}" is declared several times; the first counts.` });
  return [...byName.values()];
}

/** The parameters that the preset of this very tool names in vain; `binds` if it took something from callers. */
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

/** A property name for each parameter: its own where that will do, otherwise a clean one that no other has. */
function nameArguments(parameters: readonly ToolParameter[]): ReadonlyMap<ToolParameter, string> {
  const taken = new Set(parameters.map(({ name }) => name));
  const names = new Map<ToolParameter, string>();
  for (const parameter of parameters) {
    if (isPropertyName(parameter.name)) {
      names.set(parameter, parameter.name);
      continue;
    }
    const clean = parameter.name.replace(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 64);
    const base = isPropertyName(clean) && /[^_]/.test(clean) ? clean : 'parameter';
    let name = base;
    for (let count = 2; taken.has(name); count += 1) {
      const ending = `_${count}`;
      name = `${base.slice(0, 64 - ending.length)}${ending}`;
    }
    taken.add(name);
    names.set(parameter, name);
  }
  return names;
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
