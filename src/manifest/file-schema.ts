import * as z from 'zod';
import { isJsonObject, isNumber, type Json, type JsonNumber, type JsonObject } from '../model/json.ts';
import { PROVIDER_TYPES } from '../model/tool.ts';

/** The version of the layout; the reader refuses any other. */
export const LAYOUT = 1 as const;

const text = z.string().min(1, { error: 'expected text, got an empty text' });

const localized = z
  .union([z.string(), z.record(z.string(), z.string())], {
    error: 'expected a text, or texts by language (en_US: …)',
  })
  .describe('One text for every language, or texts by language.');

/** JSON exactly as YAML parsed it, because the hash covers it. */
const json = z.unknown().refine(isJson, { error: 'expected a value that JSON can carry' }) as z.ZodType<Json>;

const schema = z
  .custom<JsonObject>((value) => isJsonObject(value) && isJson(value), {
    error: 'expected a JSON Schema (an object)',
  })
  .meta({ type: 'object' });

const number = z
  .custom<JsonNumber>((value) => isNumber(value) && isJson(value), { error: 'expected a number' })
  .meta({ type: 'number' });

const parameter = z.strictObject({
  name: z.string(),
  type: z.string().describe('As Dify calls it: string, number, boolean, select, file …'),
  form: z.string().describe('llm: the model fills it. form: the operator does.'),
  required: z.boolean(),
  label: z.exactOptional(localized),
  humanDescription: z.exactOptional(localized),
  llmDescription: z.exactOptional(z.string()),
  default: z.exactOptional(json),
  min: z.exactOptional(number),
  max: z.exactOptional(number),
  options: z.exactOptional(
    z.array(z.strictObject({ value: z.string(), label: z.exactOptional(localized) })).min(1),
  ),
  multiple: z.exactOptional(z.literal(true)),
  inputSchema: z.exactOptional(schema).describe("The parameter's JSON Schema, of an MCP server's tool."),
});

const declaration = z
  .strictObject({
    name: text,
    label: z.exactOptional(localized),
    description: z.exactOptional(localized),
    parameters: z.exactOptional(z.array(parameter).min(1)),
    outputSchema: z.exactOptional(schema),
  })
  .describe("Dify's declaration of the tool: what it is published from.");

const published = z
  .strictObject({
    name: text,
    title: z.string(),
    description: z.string(),
    inputSchema: schema,
    outputSchema: z.exactOptional(schema),
  })
  .describe('What MCP clients and models are shown of the tool.');

const hash = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, { error: 'expected sha256: and 64 hexadecimal digits' });

const approved = z.strictObject({
  hash: hash.describe('Of everything under published. Written by manifest pull alone.'),
  published,
  difyHash: hash.describe('Of everything under dify and provider. Written by manifest pull alone.'),
  dify: declaration,
});

const withheld = z.strictObject({
  reason: z.enum(['incomplete', 'hidden', 'invalid']),
  dify: declaration,
});

const provider = z.strictObject({
  type: z.enum(PROVIDER_TYPES),
  id: text.describe("What names the provider in a call: Dify's id or name of it."),
  name: z.string(),
  label: z.exactOptional(localized),
  description: z.exactOptional(localized),
  authorized: z.boolean().describe('False where the provider lacks credentials in Dify.'),
  tags: z.exactOptional(z.array(z.string()).min(1)).describe("Dify's tags, which rules may name as labels."),
});

/** One file: a provider and its approved tools. */
export const manifestFile = z.strictObject({
  manifest: z.literal(LAYOUT).describe('Version of the layout.'),
  provider,
  tools: z.array(approved).describe("In the order of the tools' names in Dify."),
  withheld: z
    .exactOptional(z.array(withheld).min(1))
    .describe('Tools that are not published, but without which a published one would have another name.'),
});

export type ManifestFile = z.output<typeof manifestFile>;
export type FileDeclaration = z.output<typeof declaration>;
export type FileParameter = z.output<typeof parameter>;
export type FileText = z.output<typeof localized>;

/** Returns the JSON Schema of one file of a manifest (draft 7, which editors support). */
export function manifestFileSchema(): JsonObject {
  const made = z.toJSONSchema(manifestFile, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return { title: 'Approved tools of one Dify provider', ...(made as JsonObject) };
}

function isJson(value: unknown): value is Json {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null)
    return ['string', 'boolean', 'object', 'bigint'].includes(typeof value);
  return Object.values(value).every(isJson);
}
