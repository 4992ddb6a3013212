import { z } from 'zod/v3';
import type { Json } from '../model/json.ts';
import type { FileSource } from '../model/registry.ts';
import * as coercion from './coercion.ts';
import { toFile, toFileList } from './file-coercion.ts';
import { fileProblems, memberDescription } from './file-problems.ts';
import type { Property, Value } from './shape.ts';

/** Checks and coerces a value; `publishSchema` turns the same definition into JSON Schema. */
export type ArgumentSchema = z.ZodTypeAny;

/** One thing that a schema has against a value. */
export interface ArgumentIssue {
  readonly path: readonly (string | number)[];
  /** Property names that the object at `path` does not have. */
  readonly unknownKeys?: readonly string[];
  /** What is wrong, where the schema alone does not say it. */
  readonly message?: string;
}

/** The coerced value, or everything that is wrong with it. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly ArgumentIssue[] };

/** Marks the issues whose message is for the caller. */
const EXPLAINED = {};

/** The definition of a value: checks it, coerces it and, published, describes it. */
export function argumentSchema(value: Value): ArgumentSchema {
  const { coerce, schema, coerced } = partsOf(value);
  const { description } = value;
  // zod's own `describe` would copy the schema, which takes longer and twice the memory.
  return description === undefined
    ? coerced
    : z.ZodEffects.createWithPreprocess(coerce, schema, { description });
}

/** A value against a definition. */
export function check(schema: ArgumentSchema, value: unknown): Checked {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data as unknown };
  return { ok: false, issues: result.error.issues.map(toIssue) };
}

/** A default or preset in the form in which the parameter takes it; undefined when it does not fit. */
export function fitted(value: Value, candidate: Json): Json | undefined {
  const { coerce, schema } = partsOf(value);
  const result = check(schema, coerce(candidate));
  return result.ok ? (result.value as Json) : undefined;
}

/** How a value is made what it should be, what it should be, and both in one. */
interface Parts {
  readonly coerce: (input: unknown) => unknown;
  readonly schema: ArgumentSchema;
  readonly coerced: ArgumentSchema;
}

/**
 * Parts by what they say: parameters are much alike, and a schema of zod takes some kilobytes. Begun anew when there
 * are many, since foreign bounds and choices have no end.
 */
const known = new Map<string, Parts>();
const MAX_KNOWN = 1000;

function partsOf(value: Value): Parts {
  const key = keyOf(value);
  const found = key === undefined ? undefined : known.get(key);
  if (found !== undefined) return found;
  const { coerce, schema } = newParts(value);
  const parts = { coerce, schema, coerced: z.preprocess(coerce, schema) };
  if (key !== undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, parts);
  }
  return parts;
}

/** The same for values whose schemas are the same, descriptions apart; undefined for what is made of others. */
function keyOf({ shape, nullable }: Value): string | undefined {
  if (shape.kind === 'array' || shape.kind === 'object') return undefined;
  return JSON.stringify(nullable === true ? [shape] : shape);
}

function newParts({ shape, nullable }: Value): Pick<Parts, 'coerce' | 'schema'> {
  const wrap = (coerce: Parts['coerce'], schema: ArgumentSchema) => ({
    coerce,
    schema: nullable === true ? schema.nullable() : schema,
  });
  switch (shape.kind) {
    case 'string':
      return wrap(coercion.toText, z.string());
    case 'choice':
      return wrap(coercion.toText, z.enum(shape.values as [string, ...string[]]));
    case 'number-choice':
      return wrap(coercion.toNumber, z.nativeEnum(numberEnum(shape.values)));
    case 'number': {
      let number = z.number().finite();
      if (shape.integer) number = number.int();
      if (shape.min !== undefined) number = number.min(shape.min);
      if (shape.max !== undefined) number = number.max(shape.max);
      return wrap(coercion.toNumber, number);
    }
    case 'boolean':
      return wrap(coercion.toBoolean, z.boolean());
    case 'any':
      // zod takes any unknown value for optional, unless it refuses to be absent.
      return { coerce: (input) => input, schema: z.unknown().refine((input) => input !== undefined) };
    case 'file':
      return wrap((input) => toFile(input, shape.sources), fileSchema(shape.sources));
    case 'array': {
      const { items } = shape;
      const { shape: item } = items;
      const coerce = (input: unknown): unknown =>
        item.kind === 'file' ? toFileList(input, item.sources) : coercion.toArray(input);
      return wrap(coerce, z.array(argumentSchema(items)));
    }
    default: {
      const members = z.object(Object.fromEntries(shape.properties.map((item) => [item.name, member(item)])));
      return wrap(
        (input) => coercion.toObject(input, shape.properties),
        shape.open ? members.passthrough() : members.strict(),
      );
    }
  }
}

/** An enum by made-up keys: the one form of zod that is published as plain numbers. */
function numberEnum(values: readonly number[]): z.EnumLike {
  return Object.fromEntries(values.map((value, index) => [`choice${index}`, value])) as z.EnumLike;
}

function member(property: Property): ArgumentSchema {
  const { description, required, default: fallback } = property;
  const params = description === undefined ? undefined : { description };
  const mustBeGiven = required && fallback === undefined;
  const schema = mustBeGiven
    ? argumentSchema(property)
    : fallback === undefined
      ? z.ZodOptional.create(partsOf(property).coerced, params)
      : z.ZodDefault.create(partsOf(property).coerced, { ...params, default: fallback });
  // Asked while a schema is published, zod parses undefined to find out: a sixth of what loading tools takes.
  schema.isOptional = () => !mustBeGiven;
  return schema;
}

/** Flat, and each member optional: some model providers refuse alternatives in a schema. */
function fileSchema(sources: readonly FileSource[]): ArgumentSchema {
  const members = [...sources, 'filename', 'mime_type'] as const;
  return z
    .object(
      Object.fromEntries(
        members.map((name) => [name, z.string().optional().describe(memberDescription(name))]),
      ),
    )
    .strict()
    .superRefine((file, context) => {
      for (const { member: name, message } of fileProblems(file, sources)) {
        context.addIssue({ code: 'custom', path: name === '' ? [] : [name], message, params: EXPLAINED });
      }
    });
}

function toIssue(issue: z.ZodIssue): ArgumentIssue {
  if (issue.code === 'unrecognized_keys') return { path: issue.path, unknownKeys: issue.keys };
  if (issue.code === 'custom' && issue.params === EXPLAINED)
    return { path: issue.path, message: issue.message };
  return { path: issue.path };
}
