import type { Problem } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { ListedTool } from '../model/registry.ts';
import { argumentSchema } from './argument-schema.ts';
import { argumentParser } from './arguments.ts';
import type { ToolInput } from './input.ts';
import { deepFreeze, publishSchema } from './publish-schema.ts';
import type { Property, Shape } from './shape.ts';

/** What a tool of the bridge itself is made of. */
export interface OwnToolDefinition<P extends readonly Property[]> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly properties: P;
  readonly annotations: JsonObject;
}

/** A tool that the bridge answers itself. */
export interface OwnTool<V> {
  /** As clients see it. */
  readonly tool: ListedTool;
  /** Checks and coerces arguments as for any other tool, with problems in the same words. */
  parse(
    args: unknown,
  ):
    | { readonly ok: true; readonly values: V }
    | { readonly ok: false; readonly problems: readonly Problem[] };
}

/** The values of checked arguments: what is required or has a default is there. */
export type ValuesOf<P extends readonly Property[]> = {
  readonly [Q in P[number] as Q extends Always ? Q['name'] : never]: ValueOf<Q['shape']>;
} & {
  readonly [Q in P[number] as Q extends Always ? never : Q['name']]?: ValueOf<Q['shape']>;
};

type Always = { readonly required: true } | { readonly default: Json };

type ValueOf<S extends Shape> = S extends { readonly kind: 'choice'; readonly values: readonly (infer V)[] }
  ? V
  : S extends { readonly kind: 'string' }
    ? string
    : S extends { readonly kind: 'number' }
      ? number
      : S extends { readonly kind: 'boolean' }
        ? boolean
        : S extends { readonly kind: 'object' }
          ? JsonObject
          : Json;

/** A tool of the bridge, published and checked by one definition like the tools of Dify. */
export function defineOwnTool<const P extends readonly Property[]>(
  definition: OwnToolDefinition<P>,
): OwnTool<ValuesOf<P>> {
  const { name, title, description, properties, annotations } = definition;
  const input: ToolInput = {
    value: { shape: { kind: 'object', properties, open: false } },
    names: new Map(),
    fixed: [],
    reserved: new Set(),
    fileParameters: [],
    missing: [],
    notes: [],
    faults: [],
    decisions: [],
  };
  const inputSchema = publishSchema(argumentSchema(input.value));
  const parseArguments = argumentParser(() => input, inputSchema);
  return {
    tool: deepFreeze({ name, title, description, inputSchema, annotations: { ...annotations } }),
    parse(args) {
      const parsed = parseArguments(args);
      return parsed.ok ? { ok: true, values: parsed.parameters as ValuesOf<P> } : parsed;
    },
  };
}
