import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a session ID is valid, in milliseconds: 90 days. */
const LIFE_MS = 90 * 24 * 60 * 60 * 1000;

const FORMAT = /^(\d{4}-\d{2}-\d{2})\.([0-9a-z]{1,11})\.([\w-]{22})\.([\w-]{43})$/;

/** Whose a session is, and at which endpoint. The ID is signed with both and contains neither. */
export interface SessionOwner {
  readonly principal: string;
  /** Path of the endpoint. */
  readonly path: string;
}

/** What a session ID carries. */
export interface SessionFacts {
  /** Distinguishes the session from all others. It does not open the session. */
  readonly nonce: string;
  /** The negotiated revision. */
  readonly revision: string;
  /** When the ID expires, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Returns the ID of a session that begins now: its revision, its time, 128 random bits and a signature of all. */
export function issueSessionId(
  key: Uint8Array,
  revision: string,
  owner: SessionOwner,
): { readonly id: string; readonly facts: SessionFacts } {
  const now = Date.now();
  const nonce = randomBytes(16).toString('base64url');
  const content = `${revision}.${now.toString(36)}.${nonce}`;
  const id = `${content}.${signature(key, content, owner).toString('base64url')}`;
  return { id, facts: { nonce, revision, expiresAt: now + LIFE_MS } };
}

/** Returns what an ID carries; undefined if it is forged, expired, or of another owner or endpoint. */
export function readSessionId(key: Uint8Array, id: string, owner: SessionOwner): SessionFacts | undefined {
  const [, revision = '', time = '', nonce = '', signed = ''] = FORMAT.exec(id) ?? [];
  const expected = signature(key, `${revision}.${time}.${nonce}`, owner);
  const given = Buffer.from(signed, 'base64url');
  const expiresAt = Number.parseInt(time, 36) + LIFE_MS;
  const isValid = given.length === expected.length && timingSafeEqual(given, expected);
  return isValid && Date.now() < expiresAt ? { nonce, revision, expiresAt } : undefined;
}

function signature(key: Uint8Array, content: string, { principal, path }: SessionOwner): Buffer {
  return createHmac('sha256', key)
    .update(JSON.stringify([content, principal, path]))
    .digest();
}
