import type { Json } from '../model/json.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { FILE_MARKER, type FileLinks, toShownValue } from './json-values.ts';

/** Longer texts are shown as they are, without looking for JSON in them: 4 Mi characters. */
const MAX_PARSED_LENGTH = 4 * 1024 * 1024;

/** A run of neighbouring text messages, read. */
export interface TextRun {
  /** What is shown: the text as it came, Dify's file objects replaced by readable ones. */
  readonly text: string;
  /** The JSON value that the whole text is, if it is one. */
  readonly whole?: Json;
  /** JSON values that the text shows: the whole, or those of single messages within it. */
  readonly values: readonly Json[];
}

/**
 * Joins the messages of a run without a separator, as Dify itself does for its agents and workflows: pieces
 * of a token stream and separate sentences look alike on the wire. JSON is looked for only when
 * `lookForJson` says that something could equal it, or when the text carries file objects.
 */
export function readTextRun(pieces: readonly string[], lookForJson: boolean, links: FileLinks): TextRun {
  const text = pieces.join('');
  const hasFiles = text.includes(FILE_MARKER);
  if ((!lookForJson && !hasFiles) || text.length > MAX_PARSED_LENGTH) return { text, values: [] };

  const whole = parse(text);
  if (whole !== undefined) {
    const shown = toShownValue(whole, links);
    // The tool's own characters are shown where possible: they hold numbers that a double cannot.
    return {
      text: hasFiles && shown !== whole ? wellFormedJson(shown) : text,
      whole: shown,
      values: [shown],
    };
  }
  if (pieces.length === 1) return { text, values: [] };

  const values: Json[] = [];
  const parts = pieces.map((piece) => {
    const value = parse(piece);
    if (value === undefined) return piece;
    const shown = toShownValue(value, links);
    values.push(shown);
    return hasFiles && shown !== value ? wellFormedJson(shown) : piece;
  });
  return { text: parts.join(''), values };
}

/** The object or array that a text is; undefined for every other text. */
function parse(text: string): Json | undefined {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text.slice(-16))) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
