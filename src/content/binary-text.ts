import { UNKNOWN_TYPE } from '../model/media-types.ts';
import { formatCount } from './file-lines.ts';

/** How a file begins that may be mostly printable. */
const SIGNATURES: readonly (readonly [RegExp, type: string, name: string])[] = [
  [/^%PDF-\d/, 'application/pdf', 'a PDF file'],
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  [/^PK\u0003\u0004/, UNKNOWN_TYPE, 'a ZIP archive or an Office document'],
];
/** What text does not contain, and what replaces bytes that are none. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const NOT_TEXT = /[\u0000-\u0006\u000e-\u001a\u007f-\u0084\u0086-\u009f\ufffd]/g;
/** The characters that are examined, and the share of them that text does not exceed. */
const EXAMINED = 1000;
const MAX_SHARE = 0.1;
/** A shorter text costs nothing. */
const MIN_LENGTH = 64;

/**
 * Returns what to show of a file that a tool decoded as text: its bytes as a data URL, with their type if that is
 * known, or, where the decoding lost bytes, a note. Returns undefined for any other text.
 */
export function binaryText(
  text: string,
): { readonly url: string; readonly mimeType: string } | { readonly note: string } | undefined {
  if (text.length < MIN_LENGTH) return undefined;
  const [, mimeType, name] = SIGNATURES.find(([signature]) => signature.test(text)) ?? [];
  const start = text.slice(0, EXAMINED);
  if (mimeType === undefined && (start.match(NOT_TEXT)?.length ?? 0) <= start.length * MAX_SHARE)
    return undefined;
  if (!/[\u0100-\uffff]/.test(text)) {
    const type = mimeType ?? UNKNOWN_TYPE;
    return { url: `data:${type};base64,${Buffer.from(text, 'latin1').toString('base64')}`, mimeType: type };
  }
  const what = `${formatCount(text.length)} characters of ${name ?? 'a binary file'}`;
  return {
    note: `[Not shown: ${what} that the tool returned as text, which damaged it. Ask the tool for a link or another format.]`,
  };
}
