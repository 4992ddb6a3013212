import { parsePythonJson } from '../model/exact-json.ts';
import { withoutSteering } from '../model/invisible-characters.ts';
import type { Json } from '../model/json.ts';
import { memoryOfJson } from '../model/json-memory.ts';
import type { MemoryLease } from '../model/memory-budget.ts';
import { FILE_MARKER } from '../model/message.ts';
import { wellFormedJson } from '../model/well-formed.ts';
import { binaryText } from './binary-text.ts';
import type { EmbeddedFiles } from './embedded-files.ts';
import { toShownValue } from './json-values.ts';

/** Longer texts are not searched for JSON. */
const MAX_PARSED_LENGTH = 4 * 1024 * 1024;
/** File objects, data URLs and signed links, as they may be in JSON. */
const MAY_HAVE_FILES = new RegExp(`${FILE_MARKER}|data:|[?&]sign=`, 'i');

/** A run of consecutive text messages after reading. */
export interface TextRun {
  /** The text to show, with Dify's file objects replaced by readable ones. */
  readonly text: string;
  /** The JSON value of the whole text, if it is JSON. */
  readonly whole?: Json;
  /** The JSON values that the text shows: that of the whole text, or those of single messages. */
  readonly values: readonly Json[];
}

/** What `readTextRun` needs besides the messages. */
export interface TextRunContext {
  /** Whether another value of the result may equal the JSON of a text. */
  readonly lookForJson: boolean;
  readonly files: EmbeddedFiles;
  readonly memory: MemoryLease;
}

/**
 * Joins the messages of a run without a separator, as Dify does for its agents and workflows: on the wire, pieces of a
 * token stream and separate sentences look the same. Looks for JSON only with `lookForJson`, if another value may equal
 * it, or if the text may contain files.
 */
export function readTextRun(pieces: readonly string[], context: TextRunContext): TextRun {
  const { lookForJson, files } = context;
  const joined = pieces.join('');
  if (binaryText(joined) !== undefined) return { text: files.shown(joined), values: [] };
  const text = withoutSteering(joined);
  const mayHaveFiles = MAY_HAVE_FILES.test(text);
  if ((!lookForJson && !mayHaveFiles) || text.length > MAX_PARSED_LENGTH) {
    return { text: files.shown(text), values: [] };
  }
  const whole = parse(text, context);
  if (whole !== undefined) {
    const shown = toShownValue(whole, files);
    // Shows the tool's own characters if possible, because they may contain numbers that a double cannot represent.
    return {
      text: mayHaveFiles && shown !== whole ? wellFormedJson(shown) : text,
      whole: shown,
      values: [shown],
    };
  }
  if (pieces.length === 1) return { text: files.shown(text), values: [] };

  const values: Json[] = [];
  const parts = pieces.map((piece) => {
    const value = parse(piece, context);
    if (value === undefined) return piece;
    const shown = toShownValue(value, files);
    values.push(shown);
    return mayHaveFiles && shown !== value ? wellFormedJson(shown) : piece;
  });
  return { text: withoutSteering(files.shown(parts.join(''))), values };
}

/** Returns the object or array that a text represents; undefined for any other text, or without memory for it. */
function parse(text: string, { memory }: TextRunContext): Json | undefined {
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text.slice(-16))) return undefined;
  if (!memory.tryTake(memoryOfJson(Buffer.from(text)))) return undefined;
  try {
    return parsePythonJson(text);
  } catch {
    return undefined;
  }
}
