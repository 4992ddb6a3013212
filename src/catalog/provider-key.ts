import { PROVIDER_TYPES, type ProviderType } from '../model/tool.ts';

/** Returns one string for a provider, or for all providers of a type. Sorts by type, then by id in code-unit order. */
export function providerKey(type: ProviderType, id = ''): string {
  return `${PROVIDER_TYPES.indexOf(type)} ${id}`;
}

/** Returns the items sorted by key, so that the same workspace always gives the same list. */
export function sortedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): T[] {
  const keyed = Array.from(items, (item) => ({ item, key: keyOf(item) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ item }) => item);
}
