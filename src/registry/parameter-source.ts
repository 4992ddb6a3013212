import type { Json } from '../model/json.ts';
import type { ToolParameter, ToolRef } from '../model/tool.ts';
import { fitted } from './check.ts';
import { declaredDefault, difyDemands, difyFillsIn, hasDefault } from './declared-default.ts';
import { choicesOf, isSelector, offersNothing, parameterValue } from './parameter-value.ts';
import { narrow } from './narrow.ts';
import { type PresetFault, presetFault } from './preset-fault.ts';
import { own, type ToolPreset } from './presets.ts';
import type { Narrowing, Preset, RegistryRules } from './rules.ts';
import type { Shape, Value } from './shape.ts';
import { listed } from './text.ts';

/** Where the value of a parameter comes from. */
export type Placement =
  /** The caller; `default` when it may leave the parameter out and a value is known. */
  | { readonly place: 'argument'; readonly value: Value; readonly required: boolean; readonly default?: Json }
  /** The bridge sends it with every call; `from` says whose value it is. */
  | { readonly place: 'fixed'; readonly value: Json; readonly from: 'preset' | 'default' }
  /** Nobody: Dify fills it, or the tool does without. */
  | { readonly place: 'absent'; readonly reason: string }
  /** Nobody can, and the tool does not work without. */
  | {
      readonly place: 'missing';
      readonly reason: string;
      readonly remedy?: Remedy;
      /** The settings that have to fit the tool again. */
      readonly until?: readonly string[];
    };

/** How an operator gives a parameter its value. */
export interface Remedy {
  readonly name: string;
  /** One of the values that it takes, where they are known. */
  readonly example: string | undefined;
  /** Whether callers may be asked for it instead. */
  readonly publishable: boolean;
}

/** A placement and what an operator should know of it. */
export interface Placed {
  readonly placement: Placement;
  readonly notes: readonly string[];
  /** What of the preset cannot be done. */
  readonly faults: readonly PresetFault[];
  /** True when the callers were left more than the narrowing means. */
  readonly isLost?: boolean;
}

/** The tool that a parameter belongs to, as far as its parameters depend on it. */
export interface PlacementContext {
  readonly ref: ToolRef;
  readonly preset: ToolPreset | undefined;
  readonly rules: RegistryRules;
}

/** Decides where the value of a parameter comes from: preset, caller, Dify or nowhere. */
export function placeParameter(parameter: ToolParameter, context: PlacementContext): Placed {
  const { preset } = context;
  const { name } = parameter;
  const faults: PresetFault[] = [];
  if (preset?.publish?.includes(name) === true && parameter.type === 'secret-input') {
    const message = `"${name}" is a secret, which callers are never asked for.`;
    faults.push(presetFault(message, context, ({ publish }) => publish?.includes(name) === true));
  }
  const by = own(preset?.narrow, name);
  const narrowed = place(parameter, context, by);
  if (by === undefined || narrowed.isLost === true || narrowed.placement.place === 'argument') {
    return { ...narrowed, faults: [...faults, ...narrowed.faults] };
  }
  const placed = place(parameter, context, undefined);
  // A glob narrows an argument where there is one; whoever names the tool means this one.
  const narrowsIt = (each: Preset, isExact: boolean): boolean =>
    isExact && own(each.narrow, name) !== undefined;
  if (preset?.parts.some((part) => narrowsIt(part.preset, part.by !== 'glob')) === true) {
    faults.push(presetFault(`"${name}" is narrowed, but callers do not set it.`, context, narrowsIt));
  }
  return { ...placed, faults: [...faults, ...placed.faults] };
}

function place(parameter: ToolParameter, context: PlacementContext, by: Narrowing | undefined): Placed {
  const { preset } = context;
  const { name } = parameter;
  const whole = parameterValue(parameter, context);
  const { value, faults, lost } =
    by === undefined ? { value: whole, faults: [], lost: [] } : narrowed(parameter, by, context);
  const isLost = lost.length > 0;
  const given = own(preset?.parameters, name);
  const asked = preset?.overridable === true || preset?.publish?.includes(name) === true;
  const isOpen = asked && parameter.type !== 'secret-input';
  const taken = isOpen ? value : whole;
  // Dify refuses whatever is sent for a choice without choices.
  const presetValue = given === undefined || offersNothing(parameter) ? undefined : fitted(taken, given);
  const isGivenUp = (placement: Placement): boolean => isLost && placement.place === 'argument';
  const giveUp = (): Placed => ({ placement: undone(lost), notes: [], faults, isLost });
  if (presetValue !== undefined) {
    const placement: Placement = isOpen
      ? { place: 'argument', value, required: false, default: presetValue }
      : { place: 'fixed', value: presetValue, from: 'preset' };
    return isGivenUp(placement) ? giveUp() : { placement, notes: [], faults };
  }
  if (given !== undefined) {
    const offered = isOpen ? choicesIn(value.shape) : choicesOf(parameter);
    const message = offersNothing(parameter)
      ? `There is a preset for "${name}", for which Dify offers no choice at present.`
      : `The preset for "${name}" is not a value that the parameter takes.${choiceList(offered)}`;
    const fault = presetFault(message, context, ({ parameters }) => Object.hasOwn(parameters, name));
    faults.push(fault);
    if (!isOpen) return { placement: undone([fault]), notes: [], faults };
  }
  const fallback = declaredDefault(parameter, value);
  const placement = unpreset(parameter, value, fallback, context);
  if (isGivenUp(placement)) return giveUp();
  if (placement.place !== 'argument' || fallback !== undefined || !hasDefault(parameter)) {
    return { placement, notes: [], faults };
  }
  const declared = `The declared default of "${name}" is not a value that`;
  if (declaredDefault(parameter, whole) === undefined) {
    return { placement, notes: [`${declared} the parameter takes; it is left out.`], faults };
  }
  // Left out, the argument would be what the preset rules out: Dify or the tool puts the default in.
  const notes = [`${declared} its preset leaves; callers have to give one.`];
  return { placement: { ...placement, required: true }, notes, faults };
}

/** A value of which a preset leaves a part; the remarks on its choices go by what is left. */
function narrowed(
  parameter: ToolParameter,
  by: Narrowing,
  context: PlacementContext,
): { readonly value: Value; readonly faults: PresetFault[]; readonly lost: readonly PresetFault[] } {
  const left = parameter.options.filter(
    ({ value }) =>
      value !== '' && by.enum?.some((choice) => choice === value || JSON.stringify(choice) === value),
  );
  const reduced = left.length === 0 ? parameter : { ...parameter, options: left };
  const value = parameterValue(reduced, context, by.description);
  const { shape, faults } = narrow(value.shape, by);
  const told = faults.map(({ message, keys, isLost }) => {
    const says = ({ narrow: all }: Preset): boolean =>
      keys.some((key) => own(all, parameter.name)?.[key] !== undefined);
    const text = `The narrowing of "${parameter.name}" does not fit: ${message}.`;
    return { fault: presetFault(text, context, says), isLost };
  });
  return {
    value: { ...value, shape },
    faults: told.map(({ fault }) => fault),
    lost: told.filter(({ isLost }) => isLost).map(({ fault }) => fault),
  };
}

/**
 * What the operator has ruled cannot be kept, be it that Dify has changed the tool: callers are not given what it took
 * from them.
 */
export function undone(faults: readonly PresetFault[]): Extract<Placement, { place: 'missing' }> {
  const reason = faults.map(({ message }) => message).join('\n');
  return { place: 'missing', reason, until: faults.map(({ setting }) => setting) };
}

function choicesIn(shape: Shape): readonly string[] {
  if (shape.kind === 'array') return choicesIn(shape.items.shape);
  if (shape.kind === 'number-choice') return shape.values.map(String);
  return shape.kind === 'choice' ? shape.values : [];
}

function choiceList(choices: readonly string[]): string {
  return choices.length === 0 ? '' : ` Its choices: ${listed(choices, 400)}.`;
}

function unpreset(
  parameter: ToolParameter,
  value: Value,
  fallback: Json | undefined,
  context: PlacementContext,
): Placement {
  const { name, form, required, type } = parameter;
  if (form !== 'llm' && form !== 'form') return { place: 'absent', reason: `form ${form} is not used` };
  if (offersNothing(parameter)) {
    return required
      ? { place: 'missing', reason: `"${name}" is required and Dify offers no choice for it at present.` }
      : { place: 'absent', reason: 'Dify offers no choice for it' };
  }
  if (form === 'form') return operatorParameter(parameter, value, fallback, context);
  if (type === 'secret-input') {
    return required
      ? missing('is a required secret, and has no preset', parameter, context)
      : { place: 'absent', reason: 'a secret is never asked from callers' };
  }
  return argument(value, required, fallback);
}

/** A parameter of form `form` without a preset. */
function operatorParameter(
  parameter: ToolParameter,
  value: Value,
  fallback: Json | undefined,
  context: PlacementContext,
): Placement {
  const demanded = difyDemands(parameter, fallback);
  const published =
    context.rules.formParameters === 'publish' || context.preset?.publish?.includes(parameter.name) === true;
  if (published && parameter.type !== 'secret-input') {
    return argument(value, demanded, fallback);
  }
  if (fallback !== undefined && !difyFillsIn(parameter)) {
    return { place: 'fixed', value: fallback, from: 'default' };
  }
  if (!demanded)
    return { place: 'absent', reason: hasDefault(parameter) ? "Dify's default" : 'optional in Dify' };
  return missing(demand(parameter), parameter, context);
}

function argument(value: Value, required: boolean, fallback: Json | undefined): Placement {
  return { place: 'argument', value, required, ...(fallback !== undefined && { default: fallback }) };
}

function missing(reason: string, parameter: ToolParameter, { rules }: PlacementContext): Placement {
  const choices = parameter.type === 'select' ? choicesOf(parameter) : [];
  const publishable =
    rules.formParameters === 'preset' && parameter.form === 'form' && parameter.type !== 'secret-input';
  return {
    place: 'missing',
    reason: `"${parameter.name}" ${reason}.${choiceList(choices)}`,
    remedy: { name: parameter.name, example: choices[0], publishable },
  };
}

function demand(parameter: ToolParameter): string {
  if (isSelector(parameter)) return `(${parameter.type}) has to be chosen, and no preset does`;
  if (!hasDefault(parameter)) return 'is required, and has neither a preset nor a default';
  return 'has no preset, and a default that Dify refuses';
}
