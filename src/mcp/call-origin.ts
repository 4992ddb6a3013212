import { randomUUID } from 'node:crypto';
import {
  CLIENT_INFO_META_KEY,
  type Implementation,
  type ServerContext,
  TRACEPARENT_META_KEY,
  TRACESTATE_META_KEY,
} from '@modelcontextprotocol/server';
import { type CallOrigin, LOCAL_PRINCIPAL } from '../model/call.ts';
import { isJsonObject } from '../model/json.ts';
import { logText } from '../model/log-text.ts';
import type { TraceContext } from '../model/ports.ts';

/** The name of a client whose session was made again from its ID, which does not carry the name. */
export const UNKNOWN_CLIENT: Implementation = { name: 'unknown', version: 'unknown' };

/** What the HTTP host knows of a request and the SDK does not. It travels in `authInfo.extra`. */
export interface HttpOrigin {
  readonly address: string | undefined;
  readonly session?: string | undefined;
  readonly forwardedFor?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  /** The ID that the client gave its request, where the SDK got another. */
  readonly rpcId?: string | number | undefined;
}

/** Returns the owner of the calls and files of a request: over stdio, the person who started the bridge. */
export function principalOf({ http }: ServerContext): string {
  return http?.authInfo?.clientId ?? LOCAL_PRINCIPAL;
}

/** W3C Trace Context: version, trace, parent, flags. A trace or parent of zeros is invalid. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?![\da-f])/;
/** What a header may carry. */
const TRACESTATE = /^[ -~]{1,512}$/;

/**
 * Returns the origin of a tools/call. `client` is what the connection's `initialize` said, if it had one, and
 * `protocolVersion` what it negotiated.
 */
export function originOf(
  { mcpReq, http }: ServerContext,
  client: Implementation | undefined,
  protocolVersion?: string,
): CallOrigin {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const inEnvelope = envelope[CLIENT_INFO_META_KEY];
  const { name, version } = isJsonObject(inEnvelope) ? inEnvelope : (client ?? UNKNOWN_CLIENT);
  const isKnown = name !== UNKNOWN_CLIENT.name;
  const { address, session, ...more } = (http?.authInfo?.extra ?? {}) as Partial<HttpOrigin>;
  const { [TRACEPARENT_META_KEY]: inMeta, [TRACESTATE_META_KEY]: stateInMeta } = mcpReq._meta ?? {};
  const trace =
    inMeta === undefined
      ? traceContext(more.traceparent, more.tracestate)
      : traceContext(inMeta, stateInMeta);
  return {
    requestId: randomUUID(),
    client: isKnown ? logText(name) : undefined,
    clientVersion: isKnown ? logText(version) : undefined,
    session,
    address,
    forwardedFor: logText(more.forwardedFor),
    traceId: trace?.traceparent.slice(3, 35),
    rpc: {
      id: more.rpcId ?? mcpReq.id,
      protocolVersion,
      transport: http === undefined ? 'pipe' : 'tcp',
      trace,
    },
  };
}

/** Returns the caller's span, in the version of the format that the bridge knows; undefined if there is no valid one. */
function traceContext(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  const parts = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent) : null;
  if (parts === null) return undefined;
  const hasState = typeof tracestate === 'string' && TRACESTATE.test(tracestate);
  return {
    traceparent: `00-${parts[1]}-${parts[2]}-${parts[3]}`,
    tracestate: hasState ? tracestate : undefined,
  };
}
