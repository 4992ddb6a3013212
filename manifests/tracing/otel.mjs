// Sends the spans of dify-mcp-bridge to an OpenTelemetry collector. Put this file into a folder of its own, and there:
//
//   npm install @opentelemetry/sdk-trace-node@2 @opentelemetry/resources@2 @opentelemetry/exporter-trace-otlp-http
//   export NODE_OPTIONS="--import=$PWD/otel.mjs" OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
//   dify-mcp-bridge serve --http
//
// The variables OTEL_… configure the rest: https://opentelemetry.io/docs/languages/sdk-configuration/
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

process.env.OTEL_SERVICE_NAME ??= 'dify-mcp-bridge';
const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
const spanProcessors = [new BatchSpanProcessor(new OTLPTraceExporter())];
const provider = new NodeTracerProvider({ resource, spanProcessors });
provider.register();
// The bridge ends without process.exit, so that what is left can still be sent.
process.once('beforeExit', () => void provider.shutdown().catch(() => undefined));
