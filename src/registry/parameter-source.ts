import { writeJson } from '../model/well-formed.ts';
import type { Json } from '../model/json.ts';
import type { ToolParameter, ToolRef } from '../model/tool.ts';
import { fitted } from './check.ts';
import { declaredDefault, difyDemands, difyFillsIn, hasDefault } from './declared-default.ts';
import { choicesOf, isSelector, offersNothing, parameterValue } from './parameter-value.ts';
import { narrow } from './narrow.ts';
import { own, type PresetProblem, presetProblem, type ToolNote, type ToolPreset } from './presets.ts';
import type { Narrowing, Preset, RegistryRules } from './rules.ts';
import type { Shape, Value } from './shape.ts';
import { listed, MAX_LISTED } from './text.ts';

export type ParameterSource =
  /** The caller. `default` is the value if the caller omits the parameter. */
  | {
      readonly kind: 'argument';
      readonly value: Value;
      readonly required: boolean;
      readonly default?: Json | undefined;
    }
  /** The bridge, which sends the value with every call. */
  | { readonly kind: 'fixed'; readonly value: Json; readonly from: 'preset' | 'default' }
  /** None: Dify provides the value, or the tool does not need one. */
  | { readonly kind: 'absent'; readonly reason: string }
  /** None, although the tool does not work without a value. */
  | {
      readonly kind: 'missing';
      readonly reason: string;
      readonly remedy?: Remedy;
      /** The settings that must fit the tool again. */
      readonly until?: readonly string[];
    };

/** How an operator can give a parameter its value. */
export interface Remedy {
  readonly name: string;
  /** An accepted value, if any is known. */
  readonly example: string | undefined;
  /** Whether callers could set it instead. */
  readonly publishable: boolean;
}

export interface ResolvedSource {
  readonly source: ParameterSource;
  /** The parts of the declaration or preset that cannot be applied. */
  readonly notes: readonly ToolNote[];
  /** Whether callers can set more than the narrowing intends. */
  readonly isLost?: boolean;
}

/** The facts of a tool on which its parameters depend. */
export interface SourceContext {
  readonly ref: ToolRef;
  readonly preset: ToolPreset | undefined;
  readonly rules: RegistryRules;
}

/** Decides where the value of a parameter comes from: a preset, the caller, Dify or nowhere. */
export function resolveSource(parameter: ToolParameter, context: SourceContext): ResolvedSource {
  const { preset } = context;
  const { name } = parameter;
  const problems: PresetProblem[] = [];
  if (preset?.publish?.includes(name) === true && parameter.type === 'secret-input') {
    const message = `"${name}" is a secret, so callers cannot set it.`;
    problems.push(presetProblem(message, context, ({ publish }) => publish?.includes(name) === true));
  }
  const by = own(preset?.narrow, name);
  const narrowed = resolve(parameter, context, by);
  if (by === undefined || narrowed.isLost === true || narrowed.source.kind === 'argument') {
    return { ...narrowed, notes: [...problems, ...narrowed.notes] };
  }
  const whole = resolve(parameter, context, undefined);
  // A preset with a glob need not match an argument in every tool; one with the tool's name must.
  const narrowsIt = (each: Preset, isExact: boolean): boolean =>
    isExact && own(each.narrow, name) !== undefined;
  if (preset?.parts.some((part) => narrowsIt(part.preset, part.isExact)) === true) {
    problems.push(presetProblem(`"${name}" is narrowed, but callers cannot set it.`, context, narrowsIt));
  }
  return { ...whole, notes: [...problems, ...whole.notes] };
}

function resolve(
  parameter: ToolParameter,
  context: SourceContext,
  by: Narrowing | undefined,
): ResolvedSource {
  const { preset } = context;
  const { name } = parameter;
  const whole = parameterValue(parameter, context);
  const { value, problems, lost } =
    by === undefined ? { value: whole, problems: [], lost: [] } : narrowedValue(parameter, by, context);
  const isLost = lost.length > 0;
  const given = own(preset?.parameters, name);
  const isRequested = preset?.overridable === true || preset?.publish?.includes(name) === true;
  const isOpen = isRequested && parameter.type !== 'secret-input';
  const taken = isOpen ? value : whole;
  // Dify refuses any value for a `select` without choices.
  const presetValue = given === undefined || offersNothing(parameter) ? undefined : fitted(taken, given);
  const isGivenUp = (source: ParameterSource): boolean => isLost && source.kind === 'argument';
  const giveUp = (): ResolvedSource => ({ source: unfitting(lost), notes: problems, isLost });
  if (presetValue !== undefined) {
    const source: ParameterSource = isOpen
      ? { kind: 'argument', value, required: false, default: presetValue }
      : { kind: 'fixed', value: presetValue, from: 'preset' };
    return isGivenUp(source) ? giveUp() : { source, notes: problems };
  }
  if (given !== undefined) {
    const offered = isOpen ? choicesIn(value.shape) : choicesOf(parameter);
    const message = offersNothing(parameter)
      ? `"${name}" has a preset, but Dify currently offers no choices for it.`
      : `The preset for "${name}" is not a value that the parameter accepts.${choiceList(offered)}`;
    const problem = presetProblem(message, context, ({ parameters }) => Object.hasOwn(parameters, name));
    problems.push(problem);
    if (!isOpen) return { source: unfitting([problem]), notes: problems };
  }
  const fallback = declaredDefault(parameter, value);
  const source = unpreset(parameter, value, fallback, context);
  if (isGivenUp(source)) return giveUp();
  if (source.kind !== 'argument' || fallback !== undefined || !hasDefault(parameter)) {
    return { source, notes: problems };
  }
  const declared = `The declared default of "${name}" is not a value that`;
  if (declaredDefault(parameter, whole) === undefined) {
    const message = `${declared} the parameter accepts; it is omitted.`;
    return { source, notes: [{ message }, ...problems] };
  }
  // If the caller omitted the argument, Dify or the tool would use the default that the preset forbids.
  const message = `${declared} its preset allows; callers must give one.`;
  return { source: { ...source, required: true }, notes: [{ message }, ...problems] };
}

/** Returns the part of a value that a preset allows. The remarks on its choices name the remaining ones. */
function narrowedValue(
  parameter: ToolParameter,
  by: Narrowing,
  context: SourceContext,
): { readonly value: Value; readonly problems: PresetProblem[]; readonly lost: readonly PresetProblem[] } {
  const left = parameter.options.filter(
    ({ value }) => value !== '' && by.enum?.some((choice) => choice === value || writeJson(choice) === value),
  );
  const reduced = left.length === 0 ? parameter : { ...parameter, options: left };
  const value = parameterValue(reduced, context, by.description);
  const { shape, problems } = narrow(value.shape, by);
  const located = problems.map(({ message, keys, isLost }) => {
    const says = ({ narrow: all }: Preset): boolean =>
      keys.some((key) => own(all, parameter.name)?.[key] !== undefined);
    const text = `The narrowing of "${parameter.name}" does not fit: ${message}.`;
    return { problem: presetProblem(text, context, says), isLost };
  });
  return {
    value: { ...value, shape },
    problems: located.map(({ problem }) => problem),
    lost: located.filter(({ isLost }) => isLost).map(({ problem }) => problem),
  };
}

/** The preset no longer fits: the tool is withheld rather than exposing what the operator restricted. */
export function unfitting(problems: readonly PresetProblem[]): Extract<ParameterSource, { kind: 'missing' }> {
  const reason = problems.map(({ message }) => message).join('\n');
  return { kind: 'missing', reason, until: problems.map(({ setting }) => setting) };
}

function choicesIn(shape: Shape): readonly string[] {
  if (shape.kind === 'array') return choicesIn(shape.items.shape);
  if (shape.kind === 'number-choice') return shape.values.map(String);
  return shape.kind === 'choice' ? shape.values : [];
}

function choiceList(choices: readonly string[]): string {
  return choices.length === 0 ? '' : ` Its choices: ${listed(choices, MAX_LISTED)}.`;
}

function unpreset(
  parameter: ToolParameter,
  value: Value,
  fallback: Json | undefined,
  context: SourceContext,
): ParameterSource {
  const { name, form, required, type } = parameter;
  if (form !== 'llm' && form !== 'form') return { kind: 'absent', reason: `form ${form} is not used` };
  if (offersNothing(parameter)) {
    return required
      ? { kind: 'missing', reason: `"${name}" is required, but Dify currently offers no choices for it.` }
      : { kind: 'absent', reason: 'Dify offers no choices for it' };
  }
  if (form === 'form') return operatorParameter(parameter, value, fallback, context);
  if (type === 'secret-input') {
    return required
      ? missing('is a required secret without a preset', parameter, context)
      : { kind: 'absent', reason: 'callers cannot set a secret' };
  }
  return { kind: 'argument', value, required, default: fallback };
}

/** Returns the source of a `form` parameter without a preset. */
function operatorParameter(
  parameter: ToolParameter,
  value: Value,
  fallback: Json | undefined,
  context: SourceContext,
): ParameterSource {
  const demanded = difyDemands(parameter, fallback);
  const published =
    context.rules.formParameters === 'publish' || context.preset?.publish?.includes(parameter.name) === true;
  if (published && parameter.type !== 'secret-input') {
    return { kind: 'argument', value, required: demanded, default: fallback };
  }
  if (fallback !== undefined && !difyFillsIn(parameter)) {
    return { kind: 'fixed', value: fallback, from: 'default' };
  }
  if (demanded) return missing(demand(parameter), parameter, context);
  return { kind: 'absent', reason: hasDefault(parameter) ? "Dify's default" : 'optional in Dify' };
}

function missing(reason: string, parameter: ToolParameter, { rules }: SourceContext): ParameterSource {
  const choices = parameter.type === 'select' ? choicesOf(parameter) : [];
  const publishable =
    rules.formParameters === 'preset' && parameter.form === 'form' && parameter.type !== 'secret-input';
  return {
    kind: 'missing',
    reason: `"${parameter.name}" ${reason}.${choiceList(choices)}`,
    remedy: { name: parameter.name, example: choices[0], publishable },
  };
}

function demand(parameter: ToolParameter): string {
  if (isSelector(parameter)) return `(${parameter.type}) must be chosen, but has no preset`;
  if (!hasDefault(parameter)) return 'is required but has neither a preset nor a default';
  return 'has no preset, and Dify refuses its default';
}
