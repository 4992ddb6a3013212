import { isJsonObject, type Json, type JsonObject, listOf } from '../model/json.ts';
import { canonicalJson } from '../model/exact-json.ts';

export interface SchemaChange {
  /** The path: `parameters.city`, `parameters.tags[].name`, `output.total`. */
  readonly path: string;
  /** The changed keyword (`required`: of the enclosing object); absent if the whole schema was added or removed. */
  readonly keyword?: string;
  /** Absent if it was added. */
  readonly before?: Json | undefined;
  /** Absent if it was removed. */
  readonly after?: Json | undefined;
}

/** Returns the differences between two schemas, property by property; none exactly if they are equal. */
export function schemaChanges(before: JsonObject, after: JsonObject, path: string): SchemaChange[] {
  return keysOf(before, after).flatMap((keyword) => {
    const [old, now] = [own(before, keyword), own(after, keyword)];
    if (isSame(old, now)) return [];
    if (keyword === 'properties' && isJsonObject(old ?? {}) && isJsonObject(now ?? {})) {
      const changes = propertyChanges((old ?? {}) as JsonObject, (now ?? {}) as JsonObject, path);
      if (changes.length > 0) return changes;
    }
    if (keyword === 'required') {
      const changes = requiredChanges(namesIn(old), namesIn(now), path);
      if (changes.length > 0) return changes;
    }
    if (keyword === 'items' && isJsonObject(old) && isJsonObject(now)) {
      return schemaChanges(old, now, `${path}[]`);
    }
    return [{ path, keyword, before: old, after: now }];
  });
}

function propertyChanges(before: JsonObject, after: JsonObject, path: string): SchemaChange[] {
  return keysOf(before, after).flatMap((name) => {
    const at = pathOf(path, name);
    const [old, now] = [own(before, name), own(after, name)];
    if (isJsonObject(old) && isJsonObject(now)) return schemaChanges(old, now, at);
    return isSame(old, now) ? [] : [{ path: at, before: old, after: now }];
  });
}

function requiredChanges(before: readonly string[], after: readonly string[], path: string): SchemaChange[] {
  return [...new Set([...before, ...after])].flatMap((name) => {
    const [old, now] = [before.includes(name), after.includes(name)];
    return old === now ? [] : [{ path: pathOf(path, name), keyword: 'required', before: old, after: now }];
  });
}

function namesIn(required: Json | undefined): string[] {
  return listOf(required).filter((name) => typeof name === 'string');
}

function pathOf(path: string, name: string): string {
  return `${path}.${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
}

function keysOf(before: JsonObject, after: JsonObject): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isSame(before: Json | undefined, after: Json | undefined): boolean {
  if (before === undefined || after === undefined) return before === after;
  return canonicalJson(before) === canonicalJson(after);
}
