import { createHmac, randomBytes } from 'node:crypto';

/**
 * Returns the signed query, with its question mark, for Dify's `/files/tools/<id>` and
 * `/files/<id>/file-preview`. The query grants access to the file: never log it or put it in an error. `timestamp` is
 * Unix time in seconds: Dify accepts a link for FILES_ACCESS_TIMEOUT (300 s by default) after it.
 */
export function signFileQuery(
  id: string,
  secretKey: string,
  timestamp: number,
  nonce: string = randomBytes(16).toString('hex'),
): string {
  const hmac = createHmac('sha256', secretKey)
    .update(`file-preview|${id}|${timestamp}|${nonce}`)
    .digest('base64');
  // Base64url with padding: Dify compares the padding too.
  const sign = hmac.replaceAll('+', '-').replaceAll('/', '_');
  return `?${new URLSearchParams({ timestamp: String(timestamp), nonce, sign }).toString()}`;
}
