/** What sessions up to 2025-11-25 need beyond the process: a key, and those that ended, by the nonce in their IDs. */
export interface SessionRecords {
  /** Resolves with the key that signs session IDs. Rejects with `state_unavailable` if it is in a Redis that cannot be reached. */
  key(): Promise<Uint8Array>;
  /** Remembers until `expiresAt`, in milliseconds since 1970, that its client ended a session. */
  end(nonce: string, expiresAt: number): Promise<void>;
  /** Resolves with whether the client ended the session. */
  hasEnded(nonce: string): Promise<boolean>;
  /** Calls back with each session that ended at another replica. */
  onEnd(listener: (nonce: string) => void): void;
  /** Passes on that the client cancelled a request of the session that this replica does not run. */
  cancel(nonce: string, requestId: string | number): Promise<void>;
  /** Calls back with each request that its client cancelled at another replica. */
  onCancel(listener: (nonce: string, requestId: string | number) => void): void;
}
