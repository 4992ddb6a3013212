import { createHmac, randomBytes } from 'node:crypto';

/** Lifetime of a signed link in seconds (Dify's FILES_ACCESS_TIMEOUT). */
export const LINK_LIFETIME_SECONDS = 300;

/** The query of a signed link. */
export interface SignedQuery {
  readonly timestamp: string;
  readonly nonce: string;
  readonly sign: string;
}

/** What an upload link permits: this file of this user, nothing else. */
export interface UploadGrant {
  readonly filename: string;
  readonly mimeType: string;
  readonly tenantId: string;
  readonly userId: string;
}

/** Creates and checks the signatures of file links with the installation's secret key. */
export interface Signer {
  download(fileId: string): SignedQuery;
  /** Signs an upload link; `age` backdates it by seconds. */
  upload(grant: UploadGrant, age?: number): SignedQuery;
  /**
   * Returns whether a link is valid. A link from the future is valid; one older than the lifetime is not.
   */
  downloadIsValid(fileId: string, query: SignedQuery): boolean;
  uploadIsValid(grant: UploadGrant, query: SignedQuery): boolean;
}

/** Returns a signer for one secret key; `now` is in milliseconds. */
export function createSigner(secretKey: string, now: () => number = Date.now): Signer {
  const signature = (subject: string, timestamp: string, nonce: string): string => {
    const digest = createHmac('sha256', secretKey)
      .update(`${subject}|${timestamp}|${nonce}`)
      .digest('base64');
    // Python keeps the padding of URL-safe Base64; Node's base64url drops it.
    return digest.replaceAll('+', '-').replaceAll('/', '_');
  };
  const seconds = (): number => Math.floor(now() / 1000);
  const issue = (subject: string, age = 0): SignedQuery => {
    const timestamp = String(seconds() - age);
    const nonce = randomBytes(16).toString('hex');
    return { timestamp, nonce, sign: signature(subject, timestamp, nonce) };
  };
  const check = (subject: string, { timestamp, nonce, sign }: SignedQuery): boolean =>
    sign === signature(subject, timestamp, nonce) && seconds() - Number(timestamp) <= LINK_LIFETIME_SECONDS;
  return {
    download: (fileId) => issue(downloadSubject(fileId)),
    upload: (grant, age) => issue(uploadSubject(grant), age),
    downloadIsValid: (fileId, query) => check(downloadSubject(fileId), query),
    uploadIsValid: (grant, query) => check(uploadSubject(grant), query),
  };
}

/** Returns a signed query as Dify writes it into links, without escaping the signature's padding. */
export function queryString(query: SignedQuery): string {
  return `timestamp=${query.timestamp}&nonce=${query.nonce}&sign=${query.sign}`;
}

function downloadSubject(fileId: string): string {
  return `file-preview|${fileId}`;
}

function uploadSubject(grant: UploadGrant): string {
  return `upload|${grant.filename}|${grant.mimeType}|${grant.tenantId}|${grant.userId}`;
}
