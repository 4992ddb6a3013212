import { createHmac, randomBytes } from 'node:crypto';

export interface FileSignature {
  /** The id of the ToolFile or UploadFile. */
  readonly id: string;
  readonly secretKey: string;
  /** Unix time in seconds. Dify accepts a link for FILES_ACCESS_TIMEOUT (300 s by default) after it. */
  readonly timestamp: number;
  /** Any text; random when absent. */
  readonly nonce?: string;
}

/**
 * Returns the signed query, with its question mark, for Dify's `/files/tools/<id>` and
 * `/files/<id>/file-preview`. The query grants access to the file: never log it or put it in an error.
 */
export function signFileQuery({ id, secretKey, timestamp, nonce }: FileSignature): string {
  const salt = nonce ?? randomBytes(16).toString('hex');
  const hmac = createHmac('sha256', secretKey)
    .update(`file-preview|${id}|${timestamp}|${salt}`)
    .digest('base64');
  // Base64url with padding: Dify compares the padding too.
  const sign = hmac.replaceAll('+', '-').replaceAll('/', '_');
  return `?${new URLSearchParams({ timestamp: String(timestamp), nonce: salt, sign }).toString()}`;
}
