import type { Json } from '../model/json.ts';
import type { ToolParameter } from '../model/tool.ts';
import { fitted } from './check.ts';
import { takesFiles } from './file-parameter.ts';
import { isSelector } from './parameter-value.ts';
import type { Value } from './shape.ts';

/** Returns whether Dify refuses a call without this parameter: it checks selectors and the defaults of selects too. */
export function difyDemands(parameter: ToolParameter, fallback: Json | undefined): boolean {
  if (isSelector(parameter)) return true;
  if (parameter.type === 'select' && hasDeclared(parameter) && !difyFillsIn(parameter)) return true;
  return parameter.required && fallback === undefined;
}

/** Returns whether Dify accepts its own default: that of a required parameter must not be 0, false or empty. */
export function difyFillsIn(parameter: ToolParameter): boolean {
  if (isSelector(parameter)) return false;
  if (!hasDeclared(parameter)) return !parameter.required;
  if (parameter.required && !parameter.default) return false;
  return parameter.type !== 'select' || parameter.options.some(({ value }) => value === parameter.default);
}

function hasDeclared({ default: declared }: ToolParameter): boolean {
  return declared !== undefined && declared !== null;
}

/** Returns whether a default is declared. An empty text is not one: it is the initial state of a form field. */
export function hasDefault(parameter: ToolParameter): boolean {
  return hasDeclared(parameter) && parameter.default !== '';
}

/** Returns the declared default; undefined if the parameter does not accept it. */
export function declaredDefault(parameter: ToolParameter, value: Value): Json | undefined {
  if (!hasDefault(parameter) || takesFiles(parameter)) return undefined;
  const declared = parameter.default as Json;
  const single = parameter.multiple === true && typeof declared === 'string' && !declared.startsWith('[');
  return fitted(value, single ? [declared] : declared);
}
