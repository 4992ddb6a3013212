import { parseJson, readNumber } from '../model/exact-json.ts';
import { isJsonObject, isNumber, type Json, type JsonObject } from '../model/json.ts';
import type { ParameterDeclaration } from './declaration.ts';
import { pythonRepr } from './python.ts';
import { invalidParam } from './refusal.ts';

/**
 * Returns the parameters that a tool receives: checks and defaults `form` parameters, and casts every
 * declared parameter that is present. Like Dify, does not fill in defaults of `llm` parameters.
 */
export function prepareParameters(
  declared: readonly ParameterDeclaration[],
  given: JsonObject,
): Record<string, Json> {
  const prepared: Record<string, Json> = {};
  for (const [name, value] of Object.entries(given)) if (value !== undefined) prepared[name] = value;
  const fromForm: Record<string, Json> = {};
  for (const parameter of declared) {
    if (parameter.form === 'form') fromForm[parameter.name] = formValue(parameter, prepared[parameter.name]);
  }
  for (const parameter of declared) {
    const value = prepared[parameter.name];
    if (value !== undefined) prepared[parameter.name] = castValue(parameter.type, value);
  }
  return { ...prepared, ...fromForm };
}

function formValue(parameter: ParameterDeclaration, given: Json | undefined): Json {
  let value = given ?? null;
  if (!isTruthy(value) && value !== 0 && value !== false) {
    value = parameter.default;
    if (!isTruthy(value) && parameter.required) {
      throw invalidParam(`tool parameter ${parameter.name} not found in tool config`);
    }
  }
  const options = parameter.options.map((option) => option.value);
  if (parameter.type === 'select' && value !== null && !options.some((option) => option === value)) {
    const shown = typeof value === 'string' ? value : pythonRepr(value);
    throw invalidParam(
      `tool parameter ${parameter.name} value ${shown} not in options ${pythonRepr(options)}`,
    );
  }
  return castValue(parameter.type, value);
}

/** Casts a value to a parameter type as Dify does. Throws a Refusal if that fails. */
export function castValue(type: string, value: Json): Json {
  switch (type) {
    case 'string':
    case 'secret-input':
    case 'select':
    case 'checkbox':
    case 'dynamic-select':
      if (value === null) return '';
      return typeof value === 'string' ? value : pythonRepr(value);
    case 'number':
      return castNumber(value);
    case 'boolean':
      return castBoolean(value);
    case 'file':
      return castFile(value);
    case 'files':
    case 'system-files':
      return Array.isArray(value) ? value : [value];
    case 'model-selector':
    case 'app-selector':
      if (!isJsonObject(value)) throw invalidParam('The selector must be a dictionary.');
      return value;
    case 'array':
      return castArray(value);
    case 'object':
      return castObject(value);
    default:
      return value;
  }
}

function castNumber(value: Json): Json {
  if (isNumber(value) || typeof value === 'boolean') return value;
  if (typeof value !== 'string' || value === '') return null;
  const number = Number(value.trim().replaceAll(/(?<=\d)_(?=\d)/g, ''));
  const isFloat = value.includes('.');
  if (value.trim() === '' || Number.isNaN(number) || (!isFloat && !/^\s*[+-]?[\d_]+\s*$/.test(value))) {
    throw invalidParam(
      isFloat
        ? `could not convert string to float: ${pythonRepr(value)}`
        : `invalid literal for int() with base 10: ${pythonRepr(value)}`,
    );
  }
  return isFloat ? number : (readNumber(value.trim().replaceAll('_', '')) ?? number);
}

function castBoolean(value: Json): boolean {
  if (typeof value === 'string') {
    const word = value.toLowerCase();
    if (['true', 'yes', 'y', '1'].includes(word)) return true;
    if (['false', 'no', 'n', '0'].includes(word)) return false;
  }
  return isTruthy(value);
}

function castFile(value: Json): Json {
  if (!Array.isArray(value)) return value;
  if (value.length !== 1) {
    throw invalidParam('This parameter only accepts one file but got multiple files while invoking.');
  }
  return value[0] ?? null;
}

function castArray(value: Json): Json {
  if (Array.isArray(value)) return value;
  const parsed = typeof value === 'string' ? parsedJson(value) : undefined;
  return Array.isArray(parsed) ? parsed : [value];
}

function castObject(value: Json): Json {
  if (isJsonObject(value)) return value;
  const parsed = typeof value === 'string' ? parsedJson(value) : undefined;
  return isJsonObject(parsed) ? parsed : {};
}

function parsedJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** Returns Python's truth value: empty strings, lists and dictionaries are false. */
function isTruthy(value: Json): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isJsonObject(value)) return Object.keys(value).length > 0;
  return value !== null && value !== false && value !== 0 && value !== '';
}
