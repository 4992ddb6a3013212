import { describe, expect, it } from 'vitest';
import { connectClient } from '../support/mcp-clients.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { ROOT, start } from '../support/program.ts';

const TOOL = 'time__weekday';
const ARGS = { year: 2026, month: 11, day: 22 };

describe('the built program with an SDK', () => {
  it('sends its spans to a collector, the last ones when it ends', async () => {
    await using otlp = await startOtlpReceiver();
    const env = {
      NODE_OPTIONS: `--import=${ROOT}/manifests/tracing/otel.mjs`,
      OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url,
    };
    await using process = start(['serve', '--sandbox', '--http', '--port', '0', '-o', 'json'], { env });
    const [line] = await process.match('stdout', /^.*\n/);
    const client = await connectClient('v2 pinned', { url: (JSON.parse(line) as { url: string }).url });
    await client.callTool(TOOL, ARGS);
    await client.close();
    process.child.kill('SIGTERM');
    expect(await process.ended).toMatchObject({ code: 0 });
    expect(otlp.spans).toHaveLength(2);
    expect(otlp.spans).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'dify.tool.invoke', serviceName: 'dify-mcp-bridge' }),
        expect.objectContaining({ name: `tools/call ${TOOL}`, serviceName: 'dify-mcp-bridge' }),
      ]),
    );
  });
});
