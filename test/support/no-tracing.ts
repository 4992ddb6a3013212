import { context, propagation, trace } from '@opentelemetry/api';

/** Takes an SDK of OpenTelemetry out of this process again: other test files run in it too. */
export function withoutTracing(): void {
  trace.disable();
  context.disable();
  propagation.disable();
}
