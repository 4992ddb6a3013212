import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Scalar,
  type ScalarTag,
  visit,
  type YAMLMap,
} from 'yaml';
import { readNumber } from '../model/exact-json.ts';

/** Deeper than any tool declaration, and shallow enough for every recursive function. */
const MAX_DEPTH = 100;

/** The most parser errors reported for one text; later ones mostly follow from the first. */
const MAX_ERRORS = 5;

const TOO_DEEP = 'it is nested too deeply';

/** Keeps the digits of an integer that may exceed 2^53: it is a bigint then. */
const LONG_INTEGER: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?\d{16,}$/,
  resolve: (digits) => readNumber(digits) ?? digits,
};

export interface LineProblem {
  readonly line: number;
  readonly message: string;
}

/** The text of a YAML file as plain values, with their lines. */
export interface YamlFile {
  readonly value: unknown;
  /** Returns the line of the value at a path, or of the innermost enclosing value. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** What a file may contain in addition to plain data. */
interface YamlOptions {
  /** Anchors, aliases and tags: for files that people write by hand. */
  readonly references: boolean;
}

/**
 * Reads one YAML document (JSON is YAML too). Returns the problems if the text cannot be parsed or has a
 * duplicate key.
 */
export function readYaml(
  text: string,
  { references }: YamlOptions,
): YamlFile | { readonly problems: readonly LineProblem[] } {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      customTags: (tags) => [LONG_INTEGER, ...tags],
      stringKeys: true,
      // The package's own check takes quadratic time in a map's size.
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: lines,
    });
    const errors = [...document.errors, ...document.warnings]
      .slice(0, MAX_ERRORS)
      .map(({ pos, code, message }) => ({
        line: lines.linePos(pos[0]).line,
        message: code === 'RESOURCE_EXHAUSTION' ? TOO_DEEP : withoutQuotation(message),
      }));
    const problems = errors.length > 0 ? errors : refusedParts(document, lines, references);
    if (problems.length > 0) return { problems };
    return { value: document.toJS(), lineOf: (path) => lineOf(document, lines, path) };
  } catch (error) {
    // Extreme nesting overflows the parser's stack; exponentially growing aliases throw a ReferenceError.
    if (error instanceof RangeError) return { problems: [{ line: 1, message: TOO_DEEP }] };
    if (error instanceof ReferenceError) {
      return { problems: [{ line: 1, message: withoutQuotation(error.message) }] };
    }
    throw error;
  }
}

/** Returns an error of the parser without the part of the file that it quotes, which may be a password like `*name`. */
function withoutQuotation(message: string): string {
  return message
    .replace(/(?<=[\w)]): .*$/s, '; put texts with special characters in quotes')
    .replace(/ !\S+/g, '');
}

function refusedParts(document: Document, lines: LineCounter, references: boolean): LineProblem[] {
  const problems: LineProblem[] = [];
  const report = (node: { range?: readonly number[] | null | undefined }, message: string): void => {
    problems.push({ line: lines.linePos(node.range?.[0] ?? 0).line, message });
  };
  visit(document, (_key, node, path) => {
    if (isAlias(node) && !references) report(node, 'expected no aliases (*name)');
    if (!isScalar(node) && !isCollection(node)) return undefined;
    if (node.anchor !== undefined && !references) report(node, 'expected no anchors (&name)');
    if (node.tag !== undefined && !references) report(node, 'expected no tags (!name)');
    if (isMap(node)) {
      for (const key of repeatedKeys(node)) report(key, `expected the key ${quoted(key)} only once`);
    }
    // Each level of a map counts twice: as the map and as the pair inside it.
    if (path.length <= 2 * MAX_DEPTH) return undefined;
    report(node, `expected at most ${MAX_DEPTH} levels of nesting`);
    return visit.BREAK;
  });
  return problems;
}

function repeatedKeys(map: YAMLMap): Scalar[] {
  const seen = new Set<unknown>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const known = seen.has(key.value);
    seen.add(key.value);
    return known ? [key] : [];
  });
}

function quoted({ value }: Scalar): string {
  return JSON.stringify(value);
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const items = (parent as { items?: readonly unknown[] } | undefined)?.items ?? [];
    const item =
      typeof key === 'number'
        ? items[key]
        : items.find((entry) => isPair(entry) && isScalar(entry.key) && entry.key.value === key);
    const node = isPair(item) ? item.key : item;
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
