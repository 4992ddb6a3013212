import { randomUUID } from 'node:crypto';
import {
  CLIENT_INFO_META_KEY,
  type Implementation,
  type ServerContext,
  TRACEPARENT_META_KEY,
} from '@modelcontextprotocol/server';
import { type CallOrigin, LOCAL_PRINCIPAL } from '../model/call.ts';
import { isJsonObject } from '../model/json.ts';
import { logText } from '../model/log-text.ts';

/** The name of a client whose session was made again from its ID, which does not carry the name. */
export const UNKNOWN_CLIENT: Implementation = { name: 'unknown', version: 'unknown' };

/** What the HTTP host knows of a request and the SDK does not. It travels in `authInfo.extra`. */
export interface HttpOrigin {
  readonly address: string | undefined;
  readonly session?: string | undefined;
  readonly forwardedFor?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** Returns the owner of the calls and files of a request: over stdio, the person who started the bridge. */
export function principalOf({ http }: ServerContext): string {
  return http?.authInfo?.clientId ?? LOCAL_PRINCIPAL;
}

/** W3C Trace Context: version, trace, parent, flags. A trace of zeros is invalid. */
const TRACEPARENT = /^[\da-f]{2}-(?!0{32})([\da-f]{32})-[\da-f]{16}-[\da-f]{2}\b/;

/** Returns the origin of a tools/call. `client` is what the connection's `initialize` said, if it had one. */
export function originOf({ mcpReq, http }: ServerContext, client: Implementation | undefined): CallOrigin {
  const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {};
  const inEnvelope = envelope[CLIENT_INFO_META_KEY];
  const { name, version } = isJsonObject(inEnvelope) ? inEnvelope : (client ?? UNKNOWN_CLIENT);
  const isKnown = name !== UNKNOWN_CLIENT.name;
  const { address, session, ...headers } = (http?.authInfo?.extra ?? {}) as Partial<HttpOrigin>;
  const traceparent = mcpReq._meta?.[TRACEPARENT_META_KEY] ?? headers.traceparent;
  return {
    requestId: randomUUID(),
    client: isKnown ? logText(name) : undefined,
    clientVersion: isKnown ? logText(version) : undefined,
    session,
    address,
    forwardedFor: logText(headers.forwardedFor),
    traceId: typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined,
  };
}
