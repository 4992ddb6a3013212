import { applyEdits, type Edit, type Node } from 'jsonc-parser';
import type { Json } from '../model/json.ts';

interface Style {
  /** One level of indentation. */
  readonly indent: string;
  readonly eol: string;
  /** Everything on one line. */
  readonly minified: boolean;
}

/**
 * Returns the text with a property or an item appended to an object or a list (without `key`). Changes
 * nothing else. jsonc-parser's own editing reformats the neighbours and removes the wrong item from a
 * short list.
 */
export function insertChild(body: string, parent: Node, key: string | undefined, value: Json): string {
  const style = styleOf(body);
  const last = parent.children?.at(-1);
  const own = lineIndent(body, parent.offset);
  const inLines =
    last === undefined ? !style.minified : body.slice(parent.offset, last.offset).includes('\n');
  const indent = last === undefined ? own + style.indent : lineIndent(body, last.offset);
  const text = `${key === undefined ? '' : `${JSON.stringify(key)}:${style.minified ? '' : ' '}`}${written(value, style, inLines ? indent : undefined)}`;
  const before = inLines ? `${style.eol}${indent}` : style.minified ? '' : ' ';
  if (last === undefined) {
    const inner = body.slice(parent.offset + 1, parent.offset + parent.length - 1);
    const after = inLines && !inner.includes('\n') ? `${style.eol}${own}` : '';
    const blank = inner.trim() === '' && after !== '' ? inner.length : 0;
    return applyEdits(body, [
      { offset: parent.offset + 1, length: blank, content: `${before}${text}${after}` },
    ]);
  }
  const { comma, end } = following(body, last);
  return applyEdits(body, [
    ...(comma === undefined ? [{ offset: last.offset + last.length, length: 0, content: ',' }] : []),
    { offset: end, length: 0, content: `${before}${text}${comma === undefined ? '' : ','}` },
  ]);
}

/** Returns the text without one property or item, its comma and the lines that become empty. */
export function removeChild(body: string, parent: Node, child: Node): string {
  const children = parent.children ?? [];
  const previous = children[children.indexOf(child) - 1];
  const end = child.offset + child.length;
  const { comma } = following(body, child);
  if (comma === undefined && previous !== undefined) {
    const before = following(body, previous);
    const previousEnd = previous.offset + previous.length;
    if (/^\s*,\s*$/.test(body.slice(previousEnd, child.offset))) {
      return applyEdits(body, [{ offset: previousEnd, length: end - previousEnd, content: '' }]);
    }
    const own = wholeLines(body, child.offset, end);
    return applyEdits(body, [
      ...(before.comma === undefined ? [] : [cutOut(before.comma, before.comma + 1)]),
      own,
    ]);
  }
  return applyEdits(body, [wholeLines(body, child.offset, comma === undefined ? end : comma + 1)]);
}

/** Returns the text with a new value for a property. */
export function replaceValue(body: string, node: Node, value: Json): string {
  const style = styleOf(body);
  const old = body.slice(node.offset, node.offset + node.length);
  const inLines = old.includes('\n') || !/^[[{]/.test(old);
  const text = written(value, style, inLines ? lineIndent(body, node.offset) : undefined);
  return applyEdits(body, [{ offset: node.offset, length: node.length, content: text }]);
}

/** Returns a value as JSON: on several lines with an indentation, otherwise on one. */
function written(value: Json, { indent: step, eol, minified }: Style, indent: string | undefined): string {
  if (minified) return JSON.stringify(value);
  const lines = JSON.stringify(value, null, step).split('\n');
  return indent === undefined ? lines.map((line) => line.trim()).join(' ') : lines.join(`${eol}${indent}`);
}

/** What may occur between two tokens: blanks, a line break, a comment, or the comma. */
const BETWEEN = /([ \t]+)|(\r?\n)|(\/\/[^\r\n]*|\/\*[^]*?\*\/)|(,)/y;

/** Returns the comma after a node, and the end of the comma or of a comment on the same line. */
function following(body: string, node: Node): { readonly comma: number | undefined; readonly end: number } {
  let end = node.offset + node.length;
  let comma: number | undefined;
  let isSameLine = true;
  BETWEEN.lastIndex = end;
  for (let match = BETWEEN.exec(body); match !== null; match = BETWEEN.exec(body)) {
    const [, , lineBreak, comment, found] = match;
    if (found !== undefined && comma !== undefined) break;
    if (lineBreak !== undefined) isSameLine = false;
    if (found !== undefined) [comma, isSameLine] = [match.index, true];
    if (found !== undefined || (comment !== undefined && isSameLine)) end = BETWEEN.lastIndex;
  }
  return { comma, end };
}

/** Returns the edit that removes a range, with its lines if nothing else is on them. */
function wholeLines(body: string, start: number, end: number): Edit {
  const before = /(\r?\n)?[ \t]*$/.exec(body.slice(0, start));
  const after = /^[ \t]*(?=\r?\n)/.exec(body.slice(end));
  if (before?.[1] !== undefined && after !== null) {
    return cutOut(start - before[0].length, end + after[0].length);
  }
  const blank = /^[ \t]*/.exec(body.slice(end))?.[0].length ?? 0;
  return cutOut(start, end + blank);
}

function cutOut(start: number, end: number): Edit {
  return { offset: start, length: end - start, content: '' };
}

function lineIndent(body: string, offset: number): string {
  const start = body.lastIndexOf('\n', offset - 1) + 1;
  return /^[ \t]*/.exec(body.slice(start, offset))?.[0] ?? '';
}

function styleOf(body: string): Style {
  return {
    indent: /\n([ \t]+)\S/.exec(body)?.[1] ?? '  ',
    eol: body.includes('\r\n') ? '\r\n' : '\n',
    minified: !body.trim().includes('\n') && !/^\s*\{\s*\}\s*$/.test(body),
  };
}
