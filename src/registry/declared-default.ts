import type { Json } from '../model/json.ts';
import type { ToolParameter } from '../model/tool.ts';
import { fitted } from './check.ts';
import { takesFiles } from './file-parameter.ts';
import { isSelector } from './parameter-value.ts';
import type { Value } from './shape.ts';

/**
 * True when Dify refuses the call unless the bridge sends the parameter: it checks required ones, the
 * choice of every select, its own default included, and selectors always.
 */
export function difyDemands(parameter: ToolParameter, fallback: Json | undefined): boolean {
  if (isSelector(parameter)) return true;
  if (parameter.type === 'select' && hasDeclared(parameter) && !difyFillsIn(parameter)) return true;
  return parameter.required && fallback === undefined;
}

/** True when Dify accepts its own default: for a required parameter, neither 0 nor false nor empty. */
export function difyFillsIn(parameter: ToolParameter): boolean {
  if (isSelector(parameter)) return false;
  if (!hasDeclared(parameter)) return !parameter.required;
  if (parameter.required && !parameter.default) return false;
  return parameter.type !== 'select' || parameter.options.some(({ value }) => value === parameter.default);
}

function hasDeclared({ default: declared }: ToolParameter): boolean {
  return declared !== undefined && declared !== null;
}

/** True for a declared default; an empty text is what a form shows before anybody has typed, not a value. */
export function hasDefault(parameter: ToolParameter): boolean {
  return hasDeclared(parameter) && parameter.default !== '';
}

/** The declared default, where it is a value that the parameter takes. */
export function declaredDefault(parameter: ToolParameter, value: Value): Json | undefined {
  if (!hasDefault(parameter) || takesFiles(parameter)) return undefined;
  const declared = parameter.default as Json;
  const single = parameter.multiple === true && typeof declared === 'string' && !declared.startsWith('[');
  return fitted(value, single ? [declared] : declared);
}
