import { writeJson } from '../model/well-formed.ts';
import { isJsonObject, isNumber, type Json, type JsonObject } from '../model/json.ts';

/** Returns JSON as Python's json.dumps writes it: with a space after each comma and colon. */
export function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => pythonJson(item)).join(', ')}]`;
  if (!isJsonObject(value)) return writeJson(value);
  return `{${entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`)
    .join(', ')}}`;
}

/** Returns a value as Python's repr() shows it: single quotes, True, None. */
export function pythonRepr(value: Json | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (isNumber(value)) return String(value);
  if (typeof value === 'string') return quoted(value);
  if (isJsonObject(value)) {
    return `{${entries(value)
      .map(([key, item]) => `${quoted(key)}: ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return `[${value.map((item) => pythonRepr(item)).join(', ')}]`;
}

/** Returns the name of the Python type of a JSON value. */
export function pythonType(value: Json | undefined): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (isNumber(value)) return typeof value === 'bigint' || Number.isInteger(value) ? 'int' : 'float';
  if (typeof value === 'string') return 'str';
  return isJsonObject(value) ? 'dict' : 'list';
}

function entries(value: JsonObject): [string, Json][] {
  return Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined);
}

function quoted(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return value.includes("'") && !value.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}
