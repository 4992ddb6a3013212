import { readNumber } from '../model/exact-json.ts';
import { isNumber, type Json, type JsonObject } from '../model/json.ts';
import { writeJson } from '../model/well-formed.ts';
import { typeOfValue, typesOf } from './named-types.ts';
import type { JsonType, Shape } from './shape.ts';
import { shapeOfTypes } from './shape-union.ts';
import { choicesText } from './text.ts';

const MAX_CHOICES = 250;

/** Returns the values that a schema enumerates, without null; undefined if it enumerates none. */
export function choicesOf(schema: JsonObject): Json[] | undefined {
  const { const: constant, enum: choices } = schema;
  const given = constant === undefined ? choices : [constant];
  if (!Array.isArray(given)) return undefined;
  const types = typesOf(schema);
  const [type] = types;
  const values = (given as readonly Json[])
    // A number that is too large for a double (1e999) cannot be written as JSON again.
    .filter((value) => value !== null && !(typeof value === 'number' && !Number.isFinite(value)))
    .map((value) => (types.length === 1 && type !== undefined ? asType(value, type) : value));
  return [...new Set(values)];
}

/** Returns a choice as its declared type: YAML reads an unquoted `1` or `true` as no text. */
function asType(value: Json, type: JsonType): Json {
  if (type === 'string' && typeof value !== 'object') return String(value);
  const isNumeric = type === 'integer' || type === 'number';
  return isNumeric && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
    ? (readNumber(value.trim()) ?? value)
    : value;
}

/** Returns the shape of enumerated values, with a sentence if it does not express them. `afford` accepts their text. */
export function choiceShape(
  choices: readonly Json[],
  afford: (text: string) => boolean,
): { readonly shape: Shape; readonly remark?: string | undefined } {
  const values = choices.filter((choice) => choice !== '');
  const types = [...new Set(values.flatMap((value) => typeOfValue(value) ?? []))];
  const texts = values.filter((value) => typeof value === 'string');
  const numbers = values.filter(isNumber);
  const isShort = values.length > 0 && values.length <= MAX_CHOICES;
  const few = isShort && afford(writeJson([...texts, ...numbers]));
  if (few && texts.length === values.length) return { shape: { kind: 'choice', values: texts } };
  if (few && numbers.length === values.length) return { shape: { kind: 'number-choice', values: numbers } };
  const shape = shapeOfTypes(types);
  if (values.length === 0 || (types.join() === 'boolean' && values.length === 2)) return { shape };
  return { shape, remark: choicesText(values.map((value) => writeJson(value))) };
}
