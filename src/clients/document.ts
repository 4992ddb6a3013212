import {
  findNodeAtLocation,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { BridgeError } from '../model/errors.ts';
import type { Json } from '../model/json.ts';
import { insertChild, removeChild, replaceValue } from './json-edit.ts';

const BYTE_ORDER_MARK = '\u{FEFF}';

/** JSON, optionally with comments, that is edited in place: everything else keeps its text. */
export type ClientDocument = ReturnType<typeof openDocument>;

/**
 * Opens the text of a client's file; an empty text counts as `{}`. Throws `client_config_invalid`, with
 * line and column, if the text is not a JSON object or one of the `containers` has the wrong type.
 */
export function openDocument(
  text: string,
  file: string,
  containers: Readonly<Record<string, 'object' | 'array'>>,
) {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const content = text.slice(mark.length);
  let body = content.trim() === '' ? `{}${content.includes('\r\n') ? '\r\n' : '\n'}` : content;
  const tree = parse(body, file);
  if (tree.type !== 'object') throw invalid(body, file, tree, 'expected an object: { … }');
  for (const [name, type] of Object.entries(containers)) checkContainer(body, file, tree, name, type);

  return {
    get: (path: JSONPath): unknown => plain(findNodeAtLocation(parse(body, file), path)),
    /** Sets a value, or removes it if undefined. */
    set(path: JSONPath, value: Json | undefined): void {
      const tree = parse(body, file);
      const node = findNodeAtLocation(tree, path);
      const parent = findNodeAtLocation(tree, path.slice(0, -1));
      if (parent === undefined) {
        // The missing path is always one of the two containers: the servers or the inputs.
        if (value !== undefined) this.set(path.slice(0, -1), { [String(path.at(-1))]: value });
      } else if (node === undefined) {
        if (value !== undefined) body = insertChild(body, parent, String(path.at(-1)), value);
      } else if (value === undefined) {
        body = removeChild(body, parent, parent.type === 'array' ? node : (node.parent as Node));
      } else body = replaceValue(body, node, value);
    },
    append(path: JSONPath, value: Json): void {
      const list = findNodeAtLocation(parse(body, file), path);
      if (list !== undefined) body = insertChild(body, list, undefined, value);
    },
    text: (): string => mark + body,
  };
}

function parse(body: string, file: string): Node {
  const errors: ParseError[] = [];
  const tree = parseTree(body, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const words = printParseErrorCode(error.error).replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`);
    throw invalid(body, file, error, words.toLowerCase());
  }
  if (tree === undefined) throw invalid(body, file, { offset: 0 }, 'expected an object: { … }');
  return tree;
}

/** Refuses a container of the wrong type, or a second one, because clients differ in which they use. */
function checkContainer(
  body: string,
  file: string,
  tree: Node,
  name: string,
  type: 'object' | 'array',
): void {
  const [first, second] = propertiesOf(tree).filter(({ key }) => key === name);
  if (second !== undefined) throw invalid(body, file, second.node, `"${name}" is a duplicate key`);
  if (first === undefined) return;
  if (first.value?.type !== type) {
    const expected = type === 'object' ? 'an object: { … }' : 'a list: [ … ]';
    throw invalid(body, file, first.node, `expected "${name}" to be ${expected}`);
  }
  if (type === 'array') return;
  const seen = new Set<string>();
  for (const { key, node } of propertiesOf(first.value)) {
    if (seen.has(key)) throw invalid(body, file, node, `"${key}" is a duplicate key`);
    seen.add(key);
  }
}

function propertiesOf(node: Node): { key: string; node: Node; value: Node | undefined }[] {
  return (node.children ?? []).map((property) => ({
    key: String(property.children?.[0]?.value),
    node: property,
    value: property.children?.[1],
  }));
}

function plain(node: Node | undefined): unknown {
  if (node === undefined) return undefined;
  if (node.type === 'array') return (node.children ?? []).map(plain);
  if (node.type !== 'object') return node.value as unknown;
  return Object.fromEntries(propertiesOf(node).map(({ key, value }) => [key, plain(value)]));
}

function invalid(body: string, file: string, at: { readonly offset: number }, what: string): BridgeError {
  const before = body.slice(0, at.offset).split('\n');
  const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  return new BridgeError('client_config_invalid', `${file} cannot be parsed: ${place}: ${what}.`, {
    hint: 'Fix the file there, or name another with --file. The file was not changed.',
  });
}
