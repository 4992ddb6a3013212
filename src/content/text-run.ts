import { parsePythonJson } from '../model/exact-json.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { Json } from '../model/json.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { FILE_MARKER, type FileLinks, toShownValue } from './json-values.ts';

/** Longer texts are not searched for JSON. */
const MAX_PARSED_LENGTH = 4 * 1024 * 1024;

/** A run of consecutive text messages after reading. */
export interface TextRun {
  /** The text to show, with Dify's file objects replaced by readable ones. */
  readonly text: string;
  /** The JSON value of the whole text, if it is JSON. */
  readonly whole?: Json;
  /** The JSON values that the text shows: that of the whole text, or those of single messages. */
  readonly values: readonly Json[];
}

/**
 * Joins the messages of a run without a separator, as Dify does for its agents and workflows: on the wire, pieces of a
 * token stream and separate sentences look the same. Looks for JSON only with `lookForJson`, if another value may equal
 * it, or if the text contains file objects.
 */
export function readTextRun(pieces: readonly string[], lookForJson: boolean, links: FileLinks): TextRun {
  const text = withoutSteering(pieces.join(''));
  const hasFiles = text.includes(FILE_MARKER);
  if ((!lookForJson && !hasFiles) || text.length > MAX_PARSED_LENGTH) return { text, values: [] };

  const whole = parse(text);
  if (whole !== undefined) {
    const shown = toShownValue(whole, links);
    // Shows the tool's own characters if possible, because they may contain numbers that a double cannot represent.
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
  return { text: withoutSteering(parts.join('')), values };
}

/** Returns the object or array that a text represents; undefined for any other text. */
function parse(text: string): Json | undefined {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text.slice(-16))) return undefined;
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
