import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { pythonRepr, pythonType } from './python.ts';
import { invalidParam } from './refusal.ts';

/** What a field of a request must be; a list means one of these words. */
type FieldType = 'string' | 'optional string' | 'dict' | 'integer' | readonly string[];

type Validated<Fields> = {
  readonly [Name in keyof Fields as Fields[Name] extends 'optional string'
    ? never
    : Name]: Fields[Name] extends 'dict' ? JsonObject : string;
};

/** Throws with what is wrong with a body, in the words of Dify's validation library. */
export function validate<const Fields extends Readonly<Record<string, FieldType>>>(
  model: string,
  fields: Fields,
  body: JsonObject,
  prefix = '',
): asserts body is JsonObject & Validated<Fields> {
  const problems = Object.entries(fields).flatMap(([name, type]) => problemOf(name, type, body) ?? []);
  if (problems.length === 0) return;
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'}`;
  throw invalidParam(`${prefix}${count} for ${model}\n${problems.join('\n')}`);
}

function problemOf(name: string, type: FieldType, body: JsonObject): string | undefined {
  const value = body[name];
  if (type === 'optional string' && (value === undefined || value === null)) return undefined;
  if (value === undefined) return problem(name, 'Field required', 'missing', body);
  if (typeof type === 'object') {
    if (typeof value === 'string' && type.includes(value)) return undefined;
    const words = type.map((word) => `'${word}'`);
    const choice = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
    return problem(name, `Input should be ${choice}`, 'literal_error', value);
  }
  if (type === 'dict') {
    if (isJsonObject(value)) return undefined;
    return problem(name, 'Input should be a valid dictionary', 'dict_type', value);
  }
  if (type === 'integer') {
    if (typeof value === 'string' && /^-?\d+$/.test(value)) return undefined;
    const message = 'Input should be a valid integer, unable to parse string as an integer';
    return problem(name, message, 'int_parsing', value);
  }
  if (typeof value === 'string') return undefined;
  return problem(name, 'Input should be a valid string', 'string_type', value);
}

function problem(name: string, message: string, type: string, value: Json): string {
  const input = `input_value=${shortened(pythonRepr(value))}, input_type=${pythonType(value)}`;
  const help = `For further information visit https://errors.pydantic.dev/2.13/v/${type}`;
  return `${name}\n  ${message} [type=${type}, ${input}]\n    ${help}`;
}

function shortened(text: string): string {
  return text.length > 50 ? `${text.slice(0, 25)}...${text.slice(-24)}` : text;
}
