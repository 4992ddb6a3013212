import { isJsonObject, type Json, type JsonObject } from '../model/json.ts';

const MAX_REFERENCES = 16;

/** Returns a schema with its references and single alternatives resolved. */
export function resolve(schema: JsonObject, document: JsonObject): { schema: JsonObject; nullable: boolean } {
  let current = schema;
  let nullable = false;
  for (let hops = 0; hops < MAX_REFERENCES; hops += 1) {
    const arm = combined(current);
    nullable ||= arm?.nullable ?? false;
    const target = arm?.schema ?? referenced(current, document);
    if (target === undefined) return { schema: current, nullable };
    const { $ref: _ref, anyOf: _any, oneOf: _one, allOf: _all, ...others } = current;
    current = { ...target, ...others };
  }
  return { schema: {}, nullable };
}

/** Returns the only alternative of `anyOf`, `oneOf` or `allOf` that is not null. */
function combined(schema: JsonObject): { schema: JsonObject; nullable: boolean } | undefined {
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const arms = schema[key];
    if (!Array.isArray(arms)) continue;
    const others = (arms as readonly Json[]).filter((arm) => !isJsonObject(arm) || arm['type'] !== 'null');
    const [only] = others;
    if (others.length === 1 && isJsonObject(only))
      return { schema: only, nullable: others.length < arms.length };
  }
  return undefined;
}

function referenced(schema: JsonObject, document: JsonObject): JsonObject | undefined {
  const reference = schema['$ref'];
  // A reference by name (#place) may point anywhere in the document. It is not supported.
  if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) return undefined;
  let target: Json | undefined = document;
  for (const step of reference.split('/').slice(1)) {
    const key = decodeStep(step);
    target = isJsonObject(target) && Object.hasOwn(target, key) ? target[key] : undefined;
  }
  return isJsonObject(target) ? target : undefined;
}

function decodeStep(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return step;
  }
}
