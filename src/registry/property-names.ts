import { compare } from '../model/compare.ts';
import { asciiName, cutMiddle, hashOf, startWithLetter, withHash } from './ascii-name.ts';
import { MAX_PROPERTY_NAME } from './shape.ts';

/**
 * Returns the published name of each property of one object, by Dify's own name: the same if every model provider and
 * framework accepts it, otherwise one made from it. If two would be equal, the later in the order of Dify's names carries
 * a hash of its own.
 */
export function propertyNames(names: readonly string[]): ReadonlyMap<string, string> {
  const wanted = names.map((name) => ({ name, wish: propertyName(name) }));
  wanted.sort((a, b) => Number(b.wish === b.name) - Number(a.wish === a.name) || compare(a.name, b.name));
  const published = new Map<string, string>();
  const taken = new Set<string>();
  for (const { name, wish } of wanted) {
    let free = wish;
    for (let digits = 4; taken.has(free); digits += 2) {
      free = withHash(wish, name, digits, MAX_PROPERTY_NAME);
    }
    taken.add(free);
    published.set(name, free);
  }
  return published;
}

/** Names that Pydantic reserves, so that AutoGen and CrewAI fail on them. */
const RESERVED = /^model_(?:config|post_init|dump(?:_json)?|validate(?:_json|_strings)?)$/;

/** Comparisons at the end of a name, which would otherwise leave two parameters with one name. */
const COMPARISONS: Readonly<Record<string, string>> = { '<': '_lt', '<=': '_lte', '>': '_gt', '>=': '_gte' };

/** Returns the name of a property that meets no other. Python frameworks refuse one that begins with `_`. */
function propertyName(name: string): string {
  if (RESERVED.test(name)) return `p_${name}`;
  const spelled = name.replace(/[<>]=?$/, (sign) => COMPARISONS[sign] ?? sign);
  const clean = asciiName(spelled, 'parameter');
  const named = startWithLetter(clean, clean === '' ? `parameter_${hashOf(name)}` : 'p_');
  return cutMiddle(named, MAX_PROPERTY_NAME, name);
}
