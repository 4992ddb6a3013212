import { isJsonObject, type Json, type JsonObject, listOf, objectOf } from '../model/json.ts';
import { typesOf } from './named-types.ts';
import { type Flat, flatten, merged, type SchemaSource } from './schema-references.ts';
import { listed } from './text.ts';

/** The longest text on the variants of an object, in characters. */
const MAX_VARIANTS = 400;

/** The alternatives of a schema, at most one of them an object, and a sentence on the forms of that object. */
export interface Alternatives {
  readonly arms: readonly Flat[];
  readonly remark?: string | undefined;
}

/** Returns the alternatives (`oneOf`, `anyOf`) of a flat schema, all objects merged into one; undefined if none. */
export function alternativesOf(schema: JsonObject, source: SchemaSource): Alternatives | undefined {
  const key = ['oneOf', 'anyOf'].find((each) => Array.isArray(schema[each]));
  if (key === undefined) return undefined;
  const { [key]: given, discriminator, description: _, default: _default, ...base } = schema;
  const arms = (given as readonly Json[]).map((arm) => {
    const flat = flatten(objectOf(arm), source);
    return { ...flat, schema: merged([base, flat.schema]) };
  });
  const objects = arms.filter((arm) => typesOf(arm.schema).join() === 'object');
  if (objects.length < 2) return { arms };
  const { schema: object, remark } = oneObject(base, objects, objectOf(discriminator));
  const one: Flat = {
    schema: object,
    nullable: objects.some(({ nullable }) => nullable),
    references: objects.flatMap(({ references }) => references),
    missing: objects.flatMap(({ missing }) => missing),
  };
  return { arms: [...arms.filter((arm) => !objects.includes(arm)), one], remark };
}

/** Returns one object that every variant fits, and a sentence on the members of each variant; `?` marks optional ones. */
function oneObject(
  base: JsonObject,
  arms: readonly Flat[],
  discriminator: JsonObject,
): { readonly schema: JsonObject; readonly remark: string | undefined } {
  const all = arms.map(({ schema }) => ({
    members: objectOf(schema['properties']),
    required: new Set(listOf(schema['required'])),
  }));
  const byName = new Map<string, Json[]>();
  for (const { members } of all) {
    for (const [name, member] of Object.entries(members)) {
      byName.set(name, [...(byName.get(name) ?? []), member ?? {}]);
    }
  }
  const names = [...byName.keys()];
  const required = names.filter((name) => all.every((arm) => arm.required.has(name)));
  const common = new Set(required.filter((name) => byName.get(name)?.length === arms.length));
  const declared = discriminator['propertyName'];
  const kind =
    typeof declared === 'string'
      ? declared
      : names.find((name) => all.every(({ members }) => choicesOf(members[name])?.length === 1));
  const properties = [...byName].map(([name, members]): [string, Json] => [name, eitherOf(members)]);
  const isClosed = arms.every((arm) => arm.schema['additionalProperties'] === false);
  const schema: JsonObject = {
    ...base,
    type: 'object',
    properties: Object.fromEntries(properties),
    required,
    additionalProperties: isClosed ? false : base['additionalProperties'],
  };
  const variants = arms.map((arm, index) => {
    const { members, required: demands } = all[index] ?? { members: {}, required: new Set<Json>() };
    const own = Object.keys(members).filter((name) => name !== kind && !common.has(name));
    const demanded = own.filter((name) => demands.has(name));
    const optional = own.filter((name) => !demands.has(name));
    const words = [...demanded, ...optional.map((name) => `${name}?`)].join(', ');
    const label = kind === undefined ? undefined : labelOf(members[kind], arm, discriminator);
    if (label === undefined) return words;
    return words === '' ? label : `${label} (${words})`;
  });
  const distinct = [...new Set(variants)].filter((words) => words !== '');
  if (distinct.length < 2) return { schema, remark: undefined };
  const text = distinct.join('; ');
  const shown = text.length <= MAX_VARIANTS ? text : listed(distinct, MAX_VARIANTS);
  return {
    schema,
    remark: kind === undefined ? `One of these forms: ${shown}.` : `Variants by ${kind}: ${shown}.`,
  };
}

/** Returns the name of a variant: the constant of its discriminator, its key in the mapping, or the name of its schema. */
function labelOf(
  member: Json | undefined,
  { references }: Flat,
  { mapping }: JsonObject,
): string | undefined {
  const choices = choicesOf(member);
  if (choices !== undefined) return choices.map(String).join(' or ');
  const [reference = ''] = references;
  const mapped = Object.entries(objectOf(mapping)).find(([, target]) => target === reference);
  return mapped?.[0] ?? reference.split('/').at(-1);
}

/** Returns one schema for a member that several variants declare. */
function eitherOf(schemas: readonly Json[]): Json {
  const distinct = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  const [only] = distinct;
  if (distinct.length === 1 && only !== undefined) return only;
  const choices = distinct.map(choicesOf);
  if (choices.every((each) => each !== undefined)) return { enum: [...new Set(choices.flat())] };
  return { anyOf: distinct };
}

function choicesOf(schema: Json | undefined): readonly Json[] | undefined {
  if (!isJsonObject(schema)) return undefined;
  if (schema['const'] !== undefined) return [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as readonly Json[]) : undefined;
}
