import { createHash } from 'node:crypto';
import { compare } from '../model/compare.ts';
import { type DifyTool, identityOf, PROVIDER_TYPES, type ToolProvider, type ToolRef } from '../model/tool.ts';

/** Providers that are part of Dify; no plugin may take their names. */
const HARD_CODED: ReadonlySet<string> = new Set(['time', 'code', 'audio', 'webscraper']);

/** How the names of tools begin that are none of a plugin; no plugin may take them either. */
const OF_OTHER_TYPES = /^(workflow(_?$|__)|api(_|$)|mcp(_|$))/;

/** The organisation of the official plugins, which goes without saying. */
const OFFICIAL = 'langgenius';

const HASH_DIGITS = 6;

/** A tool of the catalogue with the name that no other tool has. */
export interface NamedTool {
  readonly provider: ToolProvider;
  readonly tool: DifyTool;
  readonly ref: ToolRef;
  /** Its identity as one text. */
  readonly key: string;
  readonly qualifiedName: string;
  /** The qualified name before it was cut or freed of other characters; undefined where that changed nothing. */
  readonly wholeName: string | undefined;
  /** The tool's own name in the characters of a name; not unique. */
  readonly bareName: string;
  /** The tool that has the name which this one would have had. */
  readonly clashesWith: ToolRef | undefined;
}

/** The tool that clients know by a name, if there is one. */
export type NameHolder = (name: string) => ToolRef | undefined;

/** Every tool with its name, in the order in which names are given out; repeated tools apart. */
export interface Naming {
  readonly tools: readonly NamedTool[];
  /** Tools that the catalogue lists a second time under the same identity. */
  readonly repeated: readonly NamedTool[];
}

/**
 * Gives each tool `<provider>__<tool>`. A name follows from the tool's identity alone; only where two tools
 * would meet, the later one (by type, then id) carries a hash of its identity; one that clients know by the name
 * goes before both.
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
  for (const { provider, tool, ref, key, wanted, wholeName } of entries) {
    const known = seen.get(key);
    if (known !== undefined) {
      repeated.push({ ...known, provider, tool, ref, clashesWith: undefined });
      continue;
    }
    const clashesWith = taken.get(wanted);
    const qualifiedName = clashesWith === undefined ? wanted : freeName(wanted, key, maxLength, taken);
    taken.set(qualifiedName, ref);
    const bareName = fitName(ref.tool, key, maxLength);
    seen.set(key, { provider, tool, ref, key, wholeName, qualifiedName, bareName, clashesWith });
  }
  return { tools: [...seen.values()], repeated };
}

/** The name that a tool would have if it were alone. */
function wish(provider: ToolProvider, tool: DifyTool, maxLength: number, heldBy: NameHolder) {
  const ref: ToolRef = { providerType: provider.type, providerId: provider.id, tool: tool.name };
  const key = identityOf(ref);
  const whole = `${providerPart(provider)}__${ref.tool}`;
  const wanted = fitName(whole, key, maxLength);
  const wholeName = wanted === whole ? undefined : whole;
  const holder = heldBy(wanted);
  const isHeld = holder !== undefined && identityOf(holder) === key;
  return { provider, tool, ref, key, wholeName, wanted, isHeld };
}

/** The bare names that tools may have: of one tool only, and no other tool's qualified name. */
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

function providerPart(provider: ToolProvider): string {
  switch (provider.type) {
    case 'builtin':
      return builtinPart(provider.id);
    case 'workflow':
      return 'workflow';
    case 'api':
      return `api_${provider.name}`;
    default:
      return `mcp_${provider.id}`;
  }
}

function builtinPart(id: string): string {
  const parts = id.split('/');
  const named = parts.length > 1 && parts[0] === OFFICIAL ? parts.slice(1) : parts;
  const short = named.filter((part, index) => part !== named[index - 1]).join('_');
  const isTaken = parts.length > 1 && (HARD_CODED.has(short) || OF_OTHER_TYPES.test(short));
  if (!isTaken) return short;
  const whole = `${parts[0] ?? ''}_${short}`;
  return OF_OTHER_TYPES.test(whole) ? `plugin_${short}` : whole;
}

/** The name itself when nothing of it has to change, otherwise cut and with a hash. */
function fitName(name: string, key: string, maxLength: number): string {
  const clean = name.replace(/[^A-Za-z0-9_-]+/g, '_');
  const unchanged = clean === name && name.length <= maxLength && name !== '';
  return unchanged ? name : withHash(clean, key, HASH_DIGITS, maxLength);
}

function freeName(
  wanted: string,
  key: string,
  maxLength: number,
  taken: ReadonlyMap<string, ToolRef>,
): string {
  for (let digits = HASH_DIGITS; ; digits += 2) {
    const name = withHash(wanted, key, digits, maxLength);
    if (!taken.has(name)) return name;
  }
}

function withHash(name: string, key: string, digits: number, maxLength: number): string {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, digits);
  return `${name.slice(0, Math.max(1, maxLength - digits - 1))}_${hash}`;
}
