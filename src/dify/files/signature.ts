import { createHmac, randomBytes } from 'node:crypto';

/** What a signature of a file link covers. */
export interface FileSignature {
  /** Id of the ToolFile or UploadFile. */
  readonly id: string;
  /** Dify's SECRET_KEY. */
  readonly secretKey: string;
  /** Unix time in seconds. Dify accepts a link until FILES_ACCESS_TIMEOUT (300 s by default) after it. */
  readonly timestamp: number;
  /** Any text; random unless given. */
  readonly nonce?: string;
}

/**
 * The query that lets Dify's `/files/tools/<id>` and `/files/<id>/file-preview` answer, with its question mark.
 * It gives access to the file: keep it out of logs and errors.
 */
export function signFileQuery({ id, secretKey, timestamp, nonce }: FileSignature): string {
  const salt = nonce ?? randomBytes(16).toString('hex');
  const hmac = createHmac('sha256', secretKey)
    .update(`file-preview|${id}|${timestamp}|${salt}`)
    .digest('base64');
  // Base64url with its padding, which Dify compares too.
  const sign = hmac.replaceAll('+', '-').replaceAll('/', '_');
  return `?${new URLSearchParams({ timestamp: String(timestamp), nonce: salt, sign }).toString()}`;
}
