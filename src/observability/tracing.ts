import {
  type Attributes,
  context,
  createTraceState,
  isSpanContextValid,
  ProxyTracerProvider,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { CallEnd, CallFacts, CallRecord, CallRecorder } from '../model/call-record.ts';
import { ERROR_RULES } from '../model/errors.ts';
import { withoutUndefined } from '../model/json.ts';
import type { TraceContext } from '../model/ports.ts';
import type { Secrets } from '../model/secrets.ts';

const NAME = 'dify-mcp-bridge';
const ended = (): void => undefined;
const UNTRACED: CallRecord = { ended };

/**
 * Returns the recorder that makes two spans of each call: one for the request of the client, and in it one for the request
 * to Dify. Without an SDK of OpenTelemetry in the process, no span is recorded, and Dify gets the client's own context.
 */
export function callTracer(version: string, secrets: Pick<Secrets, 'mask'>): CallRecorder {
  const tracer = trace.getTracer(NAME, version);
  return {
    started(facts): CallRecord {
      const { tool, ref, isBridgeTool, origin } = facts;
      if (!hasSdk()) return passingOn(origin?.rpc?.trace, secrets);
      const caller = origin?.rpc?.trace && spanContextOf(origin.rpc.trace, secrets);
      const around = trace.getActiveSpan();
      const parent = caller === undefined ? context.active() : trace.setSpanContext(context.active(), caller);
      // The client chose a name that no tool has, and names of spans must be few.
      const name = ref === undefined && isBridgeTool !== true ? 'tools/call' : `tools/call ${tool}`;
      const links = caller !== undefined && around !== undefined ? [{ context: around.spanContext() }] : [];
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes: requestAttributes(facts, secrets), links },
        parent,
      );
      let invocation: Span | undefined;
      return {
        sent() {
          const options = { kind: SpanKind.CLIENT, attributes: invocationAttributes(facts) };
          invocation = tracer.startSpan('dify.tool.invoke', options, trace.setSpan(parent, span));
          return traceContextOf(invocation.spanContext());
        },
        ended(end) {
          invocation?.setAttributes({
            'dify.message.count': end.messages,
            'dify.response.bytes': end.bytes,
          });
          endSpan(invocation, end.outcome, { 'error.type': end.outcome });
          endSpan(span, end.outcome, failureAttributes(end.outcome));
        },
      };
    },
  };
}

/** Returns the record of a call that has no spans. */
function passingOn(given: TraceContext | undefined, secrets: Pick<Secrets, 'mask'>): CallRecord {
  if (given === undefined) return UNTRACED;
  return { sent: () => ({ ...given, tracestate: harmless(given.tracestate, secrets) }), ended };
}

/** Returns a state that contains no secret. */
function harmless(tracestate: string | undefined, secrets: Pick<Secrets, 'mask'>): string | undefined {
  return tracestate !== undefined && secrets.mask(tracestate) === tracestate ? tracestate : undefined;
}

/** Whether an SDK of OpenTelemetry has registered itself in the process. It may do so at any time. */
function hasSdk(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/** The client chose the ID of its request, and the name of a tool that does not exist. */
function requestAttributes(
  { tool, ref, workspace, view, origin }: CallFacts,
  secrets: Pick<Secrets, 'mask'>,
): Attributes {
  const { rpc, session, address } = origin ?? {};
  return withoutUndefined({
    'mcp.method.name': 'tools/call',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': ref === undefined ? secrets.mask(tool) : tool,
    'jsonrpc.request.id': rpc === undefined ? undefined : secrets.mask(String(rpc.id)),
    'mcp.protocol.version': rpc?.protocolVersion,
    'mcp.session.id': session,
    'network.transport': rpc?.transport,
    'network.protocol.name': rpc?.transport === 'tcp' ? 'http' : undefined,
    'client.address': address,
    'bridge.workspace': workspace,
    'bridge.view': view,
  });
}

function invocationAttributes({ ref, road, host }: CallFacts): Attributes {
  return withoutUndefined({
    'server.address': host,
    'dify.plane': road,
    'dify.provider.type': ref?.providerType,
    'dify.provider.name': ref?.providerId,
  });
}

/** Returns the attributes of a failed request: its client gets a result with `isError`, or a JSON-RPC error. */
function failureAttributes(outcome: CallEnd['outcome']): Attributes {
  if (outcome === 'ok') return {};
  const { mcp, rpc } = ERROR_RULES[outcome];
  return mcp === 'protocol'
    ? { 'error.type': outcome, 'rpc.response.status_code': String(rpc) }
    : { 'error.type': 'tool_error', 'bridge.outcome': outcome };
}

function endSpan(span: Span | undefined, outcome: CallEnd['outcome'], failure: Attributes): void {
  if (outcome !== 'ok') span?.setAttributes(failure).setStatus({ code: SpanStatusCode.ERROR });
  span?.end();
}

/** Returns a valid `traceparent` as the context of a remote span, without a state that contains a secret. */
function spanContextOf(
  { traceparent, tracestate }: TraceContext,
  secrets: Pick<Secrets, 'mask'>,
): SpanContext {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const state = harmless(tracestate, secrets);
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16),
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
}

function traceContextOf(span: SpanContext): TraceContext | undefined {
  if (!isSpanContextValid(span)) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0');
  return {
    traceparent: `00-${span.traceId}-${span.spanId}-${flags}`,
    tracestate: span.traceState?.serialize() || undefined,
  };
}
