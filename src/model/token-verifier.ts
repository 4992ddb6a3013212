/** Who sends a request. */
export interface Caller {
  /** The owner of its sessions, files, calls and tasks. */
  readonly principal: string;
  /** The names of the views that it may use, the one at the default path first; undefined for all of them. */
  readonly views?: readonly string[] | undefined;
  /** When its token expires, in milliseconds since the epoch: its streams end then. */
  readonly expiresAt?: number | undefined;
}

/** Recognises the access tokens of one authorization server. */
export interface TokenVerifier {
  /**
   * Resolves with the caller who sent a token to a path; with undefined if another server issued the token.
   * @throws BridgeError `unauthorized`, `insufficient_scope` or `authorization_unavailable`.
   */
  verify(token: string, path: string): Promise<Caller | undefined>;
}

/** What tells clients how to get a token: RFC 9728. */
export interface ProtectedResource {
  /** Returns the metadata that is served at a path; undefined if none is. */
  metadataAt(pathname: string): object | undefined;
  /** Returns the parameters of the challenge for a request to a path. */
  challenge(path: string): Readonly<Record<'scope' | 'resource_metadata', string | undefined>>;
}
