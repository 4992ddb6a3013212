import { compare } from '../model/compare.ts';
import { type DifyTool, identityOf, PROVIDER_TYPES, type ToolProvider, type ToolRef } from '../model/tool.ts';
import { asciiName, cutEnd, cutMiddle, hashOf, startWithLetter, withHash } from './ascii-name.ts';

/** Providers that are part of Dify. Plugins cannot get their names. */
const HARD_CODED: ReadonlySet<string> = new Set(['time', 'code', 'audio', 'webscraper']);

/** The first parts of the names of tools of other types. Plugins cannot get these either. */
const OF_OTHER_TYPES = /^(workflow(_?$|__)|api(_|$)|mcp(_|$))/;

/** The organisation of the official plugins, which names omit. */
const OFFICIAL = 'langgenius';

/** Digits of the hash that tells two tools of one name apart. */
const CLASH_DIGITS = 6;

/** Between the provider's part of a name and the tool's. */
const SEPARATOR = '__';

/** Letters of the provider that a name always has. */
const LEAST_LETTERS = 4;

/** A tool of the catalogue with its unique name. */
export interface NamedTool {
  readonly provider: ToolProvider;
  readonly tool: DifyTool;
  readonly ref: ToolRef;
  /** The tool's identity as one text. */
  readonly key: string;
  readonly qualifiedName: string;
  /** The qualified name before it was cut, and before characters were replaced; without the qualified name. */
  readonly wholeNames: readonly string[];
  /** The tool's own name, reduced to allowed characters and beginning with a letter; not unique. */
  readonly bareName: string;
  /** The tool that has the name that this one would otherwise have. */
  readonly clashesWith: ToolRef | undefined;
}

/** Returns the tool that clients know by a name, if there is one. */
export type NameHolder = (name: string) => ToolRef | undefined;

/** Every tool with its name, in the order in which names are assigned, and repeated tools separately. */
export interface Naming {
  readonly tools: readonly NamedTool[];
  /** Tools that the catalogue lists a second time under the same identity. */
  readonly repeated: readonly NamedTool[];
}

/**
 * Assigns each tool the name `<provider>__<tool>`. A name depends only on the tool's identity. If two tools would have
 * the same name, the later one (by type, then ID) gets a hash, unless clients already know it by that name.
 */
export function nameTools(
  providers: readonly ToolProvider[],
  maxLength: number,
  heldBy: NameHolder = () => undefined,
): Naming {
  const entries = providers
    .flatMap((provider) => provider.tools.map((tool) => wish(provider, tool, maxLength, heldBy)))
    .sort((a, b) => Number(b.isHeld) - Number(a.isHeld) || compareRefs(a.ref, b.ref));
  const taken = new Map<string, ToolRef>();
  const seen = new Map<string, NamedTool>();
  const repeated: NamedTool[] = [];
  for (const { provider, tool, ref, key, parts, wanted, wholeNames } of entries) {
    const known = seen.get(key);
    if (known !== undefined) {
      repeated.push({ ...known, provider, tool, ref, clashesWith: undefined });
      continue;
    }
    const clashesWith = taken.get(wanted);
    const qualifiedName = clashesWith === undefined ? wanted : freeName(parts, maxLength, taken);
    taken.set(qualifiedName, ref);
    const bareName = cutMiddle(startWithLetter(parts.tool, 'tool_'), maxLength, key);
    seen.set(key, { provider, tool, ref, key, wholeNames, qualifiedName, bareName, clashesWith });
  }
  return { tools: [...seen.values()], repeated };
}

/** Returns the name that a tool would have without any other tools. */
function wish(provider: ToolProvider, tool: DifyTool, maxLength: number, heldBy: NameHolder) {
  const ref: ToolRef = { providerType: provider.type, providerId: provider.id, tool: tool.name };
  const key = identityOf(ref);
  const parts = partsOf(provider, ref, key);
  const wanted = joined(parts, maxLength);
  const raw = parts.prefix + providerName(provider) + SEPARATOR + ref.tool;
  const whole = [parts.prefix + parts.provider + SEPARATOR + parts.tool, raw];
  const holder = heldBy(wanted);
  const isHeld = holder !== undefined && identityOf(holder) === key;
  const wholeNames = whole.filter((name) => name !== wanted);
  return { provider, tool, ref, key, parts, wanted, wholeNames, isHeld };
}

/** Returns the bare names that can be used: those that belong to one tool and are no other tool's qualified name. */
export function uniqueBareNames(tools: readonly NamedTool[]): ReadonlyMap<string, NamedTool> {
  const unique = new Map<string, NamedTool>();
  const ambiguous = new Set<string>();
  for (const tool of tools) {
    if (unique.has(tool.bareName)) ambiguous.add(tool.bareName);
    unique.set(tool.bareName, tool);
  }
  for (const tool of tools) {
    if ((unique.get(tool.qualifiedName) ?? tool) !== tool) ambiguous.add(tool.qualifiedName);
  }
  for (const name of ambiguous) unique.delete(name);
  return unique;
}

function compareRefs(a: ToolRef, b: ToolRef): number {
  return (
    PROVIDER_TYPES.indexOf(a.providerType) - PROVIDER_TYPES.indexOf(b.providerType) ||
    compare(a.providerId, b.providerId) ||
    compare(a.tool, b.tool)
  );
}

/** What a name consists of, whole and in the characters of a name. */
interface NameParts {
  /** Tells the type of the provider; the first to go. */
  readonly prefix: '' | 'api_' | 'mcp_';
  readonly provider: string;
  readonly providerKey: string;
  readonly tool: string;
  /** The tool's identity. */
  readonly key: string;
}

function partsOf(provider: ToolProvider, ref: ToolRef, key: string): NameParts {
  const { type, id } = provider;
  const providerKey = `${type} ${id}`;
  const prefix = type === 'api' || type === 'mcp' ? (`${type}_` as const) : '';
  const clean = asciiName(providerName(provider)) || hashOf(providerKey);
  const named = type === 'builtin' ? startWithLetter(clean, 'plugin_') : clean;
  return { prefix, provider: named, providerKey, tool: asciiName(ref.tool) || hashOf(key), key };
}

function providerName({ type, id, name }: ToolProvider): string {
  if (type === 'builtin') return builtinName(id);
  if (type === 'workflow') return 'workflow';
  return type === 'api' ? name : id;
}

function builtinName(id: string): string {
  const parts = id.split('/');
  const named = parts.length > 1 && parts[0] === OFFICIAL ? parts.slice(1) : parts;
  const short = named.filter((part, index) => part !== named[index - 1]).join('_');
  const isTaken = parts.length > 1 && (HARD_CODED.has(short) || OF_OTHER_TYPES.test(short));
  if (!isTaken) return short;
  const whole = `${parts[0] ?? ''}_${short}`;
  return OF_OTHER_TYPES.test(whole) ? `plugin_${short}` : whole;
}

/** Returns the name in at most `length` characters. The provider's part gives way to the tool's, which says what the tool does. */
function joined({ prefix, provider, providerKey, tool, key }: NameParts, length: number): string {
  const room = length - SEPARATOR.length;
  const first = cutProvider(prefix, provider, providerKey, room - tool.length);
  return first + SEPARATOR + cutMiddle(tool, room - first.length, key);
}

/** Returns the provider's part in `room` characters, if four letters of it and a hash leave that room. */
function cutProvider(prefix: string, provider: string, key: string, room: number): string {
  const least = LEAST_LETTERS + 1 + hashOf(key).length;
  const whole = prefix + provider;
  if (whole.length <= Math.max(room, least)) return whole;
  if (room >= prefix.length + least) return cutEnd(whole, room, key);
  return cutEnd(startWithLetter(provider, 'plugin_'), Math.max(room, least), key);
}

function freeName(parts: NameParts, maxLength: number, taken: ReadonlyMap<string, ToolRef>): string {
  for (let digits = CLASH_DIGITS; ; digits += 2) {
    const name = withHash(joined(parts, maxLength - digits - 1), parts.key, digits, maxLength);
    if (!taken.has(name)) return name;
  }
}
