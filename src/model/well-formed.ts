import { randomUUID } from 'node:crypto';

/** An escaped surrogate in JSON, after an even number of backslashes: a pair, or a lone one. */
const SURROGATES = /((?<!\\)(?:\\\\)*)(?:(\\ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|\\ud[89a-f][\da-f]{2})/gi;
/** The start of such an escape. Searching for it first is cheap, and few texts contain it. */
const BEGINNING = String.raw`\ud`;

/** Returns JSON with U+FFFD in place of each lone surrogate, which is not valid Unicode. */
export function mendJson(json: string): string {
  return json.includes(BEGINNING) || json.includes(String.raw`\uD`)
    ? replaceSurrogates(json, '\ufffd')
    : json;
}

/** Returns a value as JSON. Bigints become numbers with all their digits. */
export function writeJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    // Searching each value for bigints first would take longer than writing it.
    if (!(error instanceof TypeError)) throw error;
    const mark = randomUUID();
    const marked = JSON.stringify(
      value,
      (_key, member: unknown) => (typeof member === 'bigint' ? `${mark}${member}` : member),
      indent,
    );
    return marked.replaceAll(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
  }
}

/** Returns JSON without lone surrogates: Python's MCP client waits forever for an answer that it cannot decode. */
export function wellFormedJson(value: unknown, indent?: number): string {
  const json = writeJson(value, indent);
  return json.includes(BEGINNING) ? replaceSurrogates(json, '\ufffd') : json;
}

/** Does the same for bytes that other code wrote with JSON.stringify. They must contain whole events of a stream. */
export function wellFormedBytes(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.includes(BEGINNING, 0, 'latin1')) return bytes;
  // In Latin-1 every byte is one character, so all other bytes stay the same.
  return Buffer.from(replaceSurrogates(buffer.toString('latin1'), '\xef\xbf\xbd'), 'latin1');
}

function replaceSurrogates(json: string, replacement: string): string {
  return json.replace(SURROGATES, (escapes: string, before: string, pair: string | undefined) =>
    pair === undefined ? before + replacement : escapes,
  );
}
