import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../model/logger.ts';
import type { OutgoingMemory } from '../model/memory-budget.ts';
import type { Meter } from '../model/meter.ts';
import type { SessionRecords } from '../model/session-records.ts';
import type { ProtectedResource, TokenVerifier } from '../model/token-verifier.ts';
import type { DownloadOptions } from './downloads.ts';
import type { HealthOptions } from './health.ts';
import type { Keys } from './keys.ts';
import type { HttpView } from './served-view.ts';

export interface HttpHostOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Port to listen on; 0 chooses a free one. */
  readonly port: number;
  /** The views. The first one is the default, whose address `listen` returns. */
  readonly views: readonly [HttpView, ...HttpView[]];
  readonly readiness: HealthOptions['readiness'];
  /** Bearer token that admits MCP requests to every view. */
  readonly token?: string | undefined;
  /** Keys that admit MCP requests to some views. The host closes them. */
  readonly keys?: Keys | undefined;
  /** Verify the tokens that are neither the token nor a key. */
  readonly verifiers?: readonly TokenVerifier[] | undefined;
  /** Tells clients where to get such a token. */
  readonly resource?: ProtectedResource | undefined;
  /** The bridge's own authorization server, which issues such tokens. */
  readonly authorizationServer?: HttpRoutes | undefined;
  /** Resolves with the views of a principal that has views of its own; with undefined for any other. */
  readonly personalViews?: ((principal: string) => Promise<readonly HttpView[] | undefined>) | undefined;
  /** Whether to serve an address other than loopback without a token. */
  readonly allowWithoutToken?: boolean;
  /** Allowed names in the Host header, in addition to loopback and `host`. */
  readonly allowedHosts?: readonly string[];
  /** The host of the bridge's public address. */
  readonly publicHost?: string | undefined;
  /** The stored files, which any holder of their key may download. Without it, there are no downloads. */
  readonly files?: DownloadOptions['files'] | undefined;
  /** Origins of web pages that may send requests. */
  readonly allowedOrigins?: readonly string[];
  readonly sessions: SessionRecords;
  /** GET streams of sessions and `subscriptions/listen` streams, of all views together. */
  readonly maxStreams: number;
  /** Those of one principal. Default: half of `maxStreams` if several can call, otherwise all. */
  readonly streamsPerPrincipal?: number | undefined;
  readonly maxBodyBytes: number;
  /** How often a silent event stream gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
  /** Counts what clients have yet to read. */
  readonly memory?: OutgoingMemory | undefined;
  readonly meter?: Pick<Meter, 'http'> | undefined;
  readonly logger: Logger;
}

/** Answers requests to paths of its own, before any token is checked. */
export interface HttpRoutes {
  owns(pathname: string): boolean;
  serve(req: IncomingMessage, res: ServerResponse, pathname: string): Promise<void>;
}
