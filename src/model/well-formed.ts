/**
 * An escaped surrogate in JSON, after an even number of backslashes: a pair, which is a character, or one alone.
 * JSON.stringify escapes only those that are alone, with small letters.
 */
const SURROGATES = /((?<!\\)(?:\\\\)*)(?:(\\ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2})|\\ud[89a-f][\da-f]{2})/gi;
/** Few texts have the beginning of such an escape, and the search for it costs little. */
const BEGINNING = String.raw`\ud`;

/**
 * JSON with U+FFFD in place of each surrogate that lacks its other half, in keys as in values. A string with one is
 * no Unicode.
 */
export function mendJson(json: string): string {
  return json.includes(BEGINNING) || json.includes(String.raw`\uD`)
    ? replaceSurrogates(json, '\ufffd')
    : json;
}

/**
 * The JSON of a value, well-formed whatever strings the value has. All that leaves the bridge is written so: Python's
 * MCP client waits forever for an answer that it cannot decode.
 */
export function wellFormedJson(value: unknown, indent?: number): string {
  const json = JSON.stringify(value, null, indent);
  return json.includes(BEGINNING) ? replaceSurrogates(json, '\ufffd') : json;
}

/** The same for what somebody else has written with JSON.stringify, such as the events of a stream, each as a whole. */
export function wellFormedBytes(bytes: Uint8Array): Uint8Array {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.includes(BEGINNING, 0, 'latin1')) return bytes;
  // In Latin-1 every byte is a character, so nothing else changes.
  return Buffer.from(replaceSurrogates(buffer.toString('latin1'), '\xef\xbf\xbd'), 'latin1');
}

function replaceSurrogates(json: string, replacement: string): string {
  return json.replace(SURROGATES, (escapes: string, before: string, pair: string | undefined) =>
    pair === undefined ? before + replacement : escapes,
  );
}
