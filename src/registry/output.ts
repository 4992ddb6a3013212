import { hasInvisible } from '../model/invisible-characters.ts';
import { isJsonObject, type Json, type JsonObject, textOf } from '../model/json.ts';
import type { DifyTool, ProviderType } from '../model/tool.ts';
import { deepFreeze } from './publish-schema.ts';
import { cutAtWord, MAX_DESCRIPTION, tidy } from './text.ts';

/** Dify's value types of workflow outputs without files, with their JSON Schema types. */
const VALUE_TYPES: Readonly<Record<string, string | undefined>> = {
  string: 'string',
  secret: 'string',
  number: 'number',
  integer: 'integer',
  boolean: 'boolean',
  object: 'object',
};

/** The longest value type, such as `array[array[number]]`. Each level is read separately. */
const MAX_VALUE_TYPE = 100;

/** A value of any type. It is not declared, because every published value must have a type. */
const UNTYPED: JsonObject = {};

/**
 * Returns the output schema of a workflow tool: each output may be null, none is required, and others are allowed.
 * Returns undefined for other types of providers, because Dify does not enforce their schemas, and for workflows with
 * file outputs or outputs of unknown type, which have no structured result.
 */
export function buildOutputSchema(type: ProviderType, tool: DifyTool): JsonObject | undefined {
  const declared = tool.outputSchema?.['properties'];
  if (type !== 'workflow' || !isJsonObject(declared)) return undefined;
  const properties: [string, Json][] = [];
  for (const [name, output] of Object.entries(declared)) {
    const schema = isJsonObject(output) ? valueSchema(output['type']) : undefined;
    if (schema === undefined || !isJsonObject(output)) return undefined;
    if (schema === UNTYPED || hasInvisible(name)) continue;
    const description = tidy(textOf(output['description']));
    const described = description === '' ? {} : { description: cutAtWord(description, MAX_DESCRIPTION) };
    properties.push([name, { ...schema, ...described }]);
  }
  if (properties.length === 0) return undefined;
  return deepFreeze({ type: 'object', properties: Object.fromEntries(properties) });
}

function valueSchema(valueType: Json | undefined): JsonObject | undefined {
  if (typeof valueType !== 'string' || valueType.length > MAX_VALUE_TYPE) return undefined;
  if (valueType === 'any') return UNTYPED;
  const element = /^array(?:\[(.+)\])?$/.exec(valueType);
  if (element !== null) {
    const items = valueSchema(element[1] ?? 'any');
    return items === undefined || items === UNTYPED ? items : { type: ['array', 'null'], items };
  }
  const type = VALUE_TYPES[valueType];
  return type === undefined ? undefined : { type: [type, 'null'] };
}
