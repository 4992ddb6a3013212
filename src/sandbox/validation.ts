import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { pythonRepr, pythonType } from './python.ts';

/** The rule for one field of a request body; a list means one of these words. */
export interface FieldRule {
  readonly name: string;
  readonly type: 'string' | 'dict' | 'integer' | readonly string[];
  readonly optional?: true;
}

/**
 * Returns what is wrong with a body in the words of Dify's validation library; undefined if it is valid.
 */
export function validationText(
  model: string,
  rules: readonly FieldRule[],
  body: JsonObject,
): string | undefined {
  const problems = rules.flatMap((rule) => problemOf(rule, body) ?? []);
  if (problems.length === 0) return undefined;
  const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'}`;
  return [`${count} for ${model}`, ...problems].join('\n');
}

function problemOf(rule: FieldRule, body: JsonObject): string | undefined {
  const value = body[rule.name];
  if (value === undefined) {
    return rule.optional === true ? undefined : problem(rule.name, 'Field required', 'missing', body);
  }
  if (rule.optional === true && value === null) return undefined;
  if (typeof rule.type === 'object') {
    if (typeof value === 'string' && rule.type.includes(value)) return undefined;
    const words = rule.type.map((word) => `'${word}'`);
    const choice = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
    return problem(rule.name, `Input should be ${choice}`, 'literal_error', value);
  }
  if (rule.type === 'dict') {
    return isJsonObject(value)
      ? undefined
      : problem(rule.name, 'Input should be a valid dictionary', 'dict_type', value);
  }
  if (rule.type === 'integer') {
    return typeof value === 'string' && /^-?\d+$/.test(value)
      ? undefined
      : problem(
          rule.name,
          'Input should be a valid integer, unable to parse string as an integer',
          'int_parsing',
          value,
        );
  }
  return typeof value === 'string'
    ? undefined
    : problem(rule.name, 'Input should be a valid string', 'string_type', value);
}

function problem(name: string, message: string, type: string, value: Json): string {
  const input = `input_value=${shortened(pythonRepr(value))}, input_type=${pythonType(value)}`;
  const help = `For further information visit https://errors.pydantic.dev/2.13/v/${type}`;
  return `${name}\n  ${message} [type=${type}, ${input}]\n    ${help}`;
}

function shortened(text: string): string {
  return text.length > 50 ? `${text.slice(0, 25)}...${text.slice(-24)}` : text;
}
