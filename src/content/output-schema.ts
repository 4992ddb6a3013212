import { hasBigint } from '../model/exact-json.ts';
import { writeJson } from '../model/well-formed.ts';
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

/**
 * Returns the structured content adapted to the published output schema, if there is one: clients reject a result that
 * does not match it. Converts any value to a string where one is declared. Omits values that cannot be converted, and
 * adds a note for each. Null counts as absent. Supports `type`, `properties`, `items` and
 * `additionalProperties: false`, which is all that the registry publishes.
 */
export function conformTo(
  schema: JsonObject | undefined,
  content: JsonObject,
): { readonly content: JsonObject; readonly notes: readonly string[] } {
  if (schema === undefined) return { content, notes: [] };
  const notes: string[] = [];
  const conformed = conformObject(schema, content, (name, item) => {
    const reason = item === undefined ? 'the tool does not declare it' : misfit(item, content[name]);
    notes.push(`[${name} was omitted from the structured content: ${reason}]`);
  });
  return { content: conformed, notes };
}

function misfit(schema: JsonObject, value: Json | undefined): string {
  if (value !== undefined && hasBigint(value))
    return 'it contains an integer that is larger than JSON clients can read exactly';
  return `its value is not of type ${typesOf(schema).join(' or ')}`;
}

/** Returns whether the structured content may have keys that the schema does not declare. */
export function allowsMoreKeys(schema: JsonObject | undefined): boolean {
  return schema?.['additionalProperties'] !== false;
}

type OnMisfit = (name: string, schema: JsonObject | undefined) => void;

function conformObject(schema: JsonObject, value: JsonObject, onMisfit: OnMisfit): JsonObject {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const entries: [string, Json][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const declared = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (!isJsonObject(declared)) {
      if (allowsMoreKeys(schema)) entries.push([name, item]);
      else onMisfit(name, undefined);
      continue;
    }
    const fitting = conform(declared, item);
    if (fitting !== undefined) entries.push([name, fitting]);
    else if (item !== null) onMisfit(name, declared);
  }
  return Object.fromEntries(entries);
}

/** Returns the value as the schema requires; undefined if it cannot be converted. */
function conform(schema: JsonObject, value: Json): Json | undefined {
  const types = typesOf(schema);
  if (types.length === 0) return value;
  if (types.some((type) => isOfType(type, value))) {
    if (Array.isArray(value)) return conformItems(schema, value);
    if (!isJsonObject(value)) return value;
    let fits = true;
    const conformed = conformObject(schema, value, () => {
      fits = false;
    });
    return fits ? conformed : undefined;
  }
  if (value === null || !types.includes('string')) return undefined;
  return writeJson(value);
}

function conformItems(schema: JsonObject, items: readonly Json[]): Json | undefined {
  const declared = schema['items'];
  if (!isJsonObject(declared)) return items;
  const conformed = items.map((item) => conform(declared, item));
  return conformed.some((item) => item === undefined) ? undefined : (conformed as Json[]);
}

function typesOf(schema: JsonObject): string[] {
  const { type } = schema as { type?: unknown };
  const types = Array.isArray(type) ? type : [type];
  return types.filter((entry) => typeof entry === 'string');
}

function isOfType(type: string, value: Json): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (value === null) return type === 'null';
  return type === (Array.isArray(value) ? 'array' : typeof value);
}
