import {
  isNumber,
  type Json,
  type JsonNumber,
  type JsonObject,
  listOf,
  objectOf,
  textOf,
} from '../model/json.ts';
import { writeJson } from '../model/well-formed.ts';
import { typesOf } from './named-types.ts';
import { cutAtWord, listed } from './text.ts';

/** The longest quotation from a schema in a remark, in characters. */
const MAX_QUOTED = 200;
/** What no sentence expresses is quoted. */
const QUOTED = ['not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas', 'contains'];

/** Returns sentences on what a schema says that a shape does not express. */
export function remarksOf(schema: JsonObject): string[] {
  const { format, pattern, multipleOf, contentEncoding } = schema;
  const sentences: string[] = [];
  if (typeof format === 'string') sentences.push(`Format: ${quoted(format)}.`);
  if (typeof pattern === 'string') sentences.push(`Pattern: \`${quoted(pattern)}\`.`);
  if (typeof contentEncoding === 'string') sentences.push(`Encoding: ${quoted(contentEncoding)}.`);
  sentences.push(...count(schema, 'Length', 'character'));
  // Bounds of whole numbers are published as the next number.
  if (!typesOf(schema).includes('integer')) {
    const { above, below } = numberBounds(schema);
    if (above !== undefined) sentences.push(`More than ${above}.`);
    if (below !== undefined) sentences.push(`Less than ${below}.`);
  }
  if (isNumber(multipleOf)) sentences.push(`A multiple of ${multipleOf}.`);
  sentences.push(...count(schema, 'Items', 'item'));
  if (schema['uniqueItems'] === true) sentences.push('No duplicates.');
  sentences.push(...count(schema, 'Properties', 'key'));
  const rest = QUOTED.filter((key) => schema[key] !== undefined);
  if (rest.length > 0) {
    sentences.push(`Constraints: ${json(Object.fromEntries(rest.map((key) => [key, schema[key]])))}.`);
  }
  const examples = examplesOf(schema);
  if (examples.length > 0) {
    sentences.push(`${examples.length === 1 ? 'Example' : 'Examples'}: ${listed(examples, MAX_QUOTED)}.`);
  }
  if (schema['deprecated'] === true) sentences.push('Deprecated.');
  return sentences;
}

/** Returns the inclusive and exclusive bounds of a number. In older drafts, an exclusive bound is a boolean. */
export function numberBounds(schema: JsonObject) {
  const at = (key: string): JsonNumber | undefined => {
    const value = schema[key];
    return isNumber(value) && (typeof value === 'bigint' || Number.isFinite(value)) ? value : undefined;
  };
  const [minimum, maximum] = [at('minimum'), at('maximum')];
  const above = schema['exclusiveMinimum'] === true ? minimum : at('exclusiveMinimum');
  const below = schema['exclusiveMaximum'] === true ? maximum : at('exclusiveMaximum');
  return { minimum, maximum, above, below };
}

/** Returns a sentence on the bounds of a length or a number of items. */
function count(schema: JsonObject, of: 'Length' | 'Items' | 'Properties', noun: string): string[] {
  const [min, max] = [schema[`min${of}`], schema[`max${of}`]];
  const low = typeof min === 'number' && min > 0 ? min : undefined;
  const unit = (amount: number): string => `${amount} ${noun}${amount === 1 ? '' : 's'}`;
  if (typeof max !== 'number') return low === undefined ? [] : [`At least ${unit(low)}.`];
  if (low === undefined) return [`At most ${unit(max)}.`];
  return [low === max ? `Exactly ${unit(max)}.` : `${low} to ${unit(max)}.`];
}

function examplesOf({ examples, example, description, default: fallback }: JsonObject): string[] {
  // Examples of a newer OpenAPI document are named objects.
  const named = Object.values(objectOf(examples)).map((each) => objectOf(each)['value']);
  const texts = [...listOf(examples), ...named, example]
    .filter((each) => each !== undefined && each !== null && each !== '' && each !== fallback)
    .map((each) => json(each as Json));
  const said = textOf(description) ?? '';
  return [...new Set(texts)].filter((text) => !said.includes(text.replace(/^"|"$/g, ''))).slice(0, 3);
}

function json(value: Json): string {
  return quoted(writeJson(value));
}

function quoted(text: string): string {
  return cutAtWord(text, MAX_QUOTED);
}
