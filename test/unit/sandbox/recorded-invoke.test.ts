import { beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  bodyOf,
  type Recording,
  recording,
  recordings,
  sharedIsPresent,
  sharedNote,
} from '../../support/shared.ts';
import { decodeFrames, startSandbox, upload } from '../../support/sandbox-client.ts';
import { kitProvider } from '../../support/recorded-kit.ts';
import { recordedApi, recordedEcho, recordedFiles, recordedMcp } from '../../support/recorded-workspace.ts';

const RECORDED_TENANT = String(
  (recording('invoke/builtin-current-time')?.request.body as { tenant_id?: string } | undefined)?.tenant_id,
);
const RECORDED_KEY = recording('invoke/builtin-current-time')?.request.headers['x-inner-api-key'];

/** Installs what the recording asks for, under the ids that it names. */
async function install(sandbox: Sandbox, entry: Recording): Promise<void> {
  const { tool_type: type, provider, tool } = entry.request.body as Record<string, string>;
  if (provider === undefined || entry.name.includes('unknown') || entry.name.includes('not-installed')) {
    // A provider that is there, so that only what the recording is about is missing.
    if (entry.name.endsWith('tool-unknown') && type === 'api') {
      sandbox.workspace.addProvider(await recordedApi(provider ?? '', 'demo api'));
    }
    if (entry.name.endsWith('tool-unknown') && type === 'builtin') {
      sandbox.workspace.addProvider(kitProvider(provider ?? ''));
    }
    if (entry.name.endsWith('credential-unknown')) {
      sandbox.workspace.addProvider(kitProvider(provider ?? '', ['api_key']));
    }
    return;
  }
  if (type === 'builtin' && provider.includes('/')) sandbox.workspace.addProvider(kitProvider(provider));
  if (type === 'api') sandbox.workspace.addProvider(await recordedApi(provider, 'demo api'));
  if (type === 'mcp') sandbox.workspace.addProvider(recordedMcp(provider));
  if (type === 'workflow') {
    sandbox.workspace.addProvider(tool === 'wf_file_out' ? recordedFiles(provider) : recordedEcho(provider));
  }
}

/** Sends the recorded request with the sandbox's own tenant, key and file ids. */
async function replay(sandbox: Sandbox, entry: Recording, fileId = ''): Promise<Response> {
  const { body, headers, method, path } = entry.request;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const key = headers['x-inner-api-key'] === RECORDED_KEY ? sandbox.credentials.innerApiKey : undefined;
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...headers,
      ...(key !== undefined && { 'x-inner-api-key': key }),
    },
    body: text
      .replaceAll(RECORDED_TENANT, sandbox.credentials.workspaceId)
      .replaceAll(/(?<="(?:tool_file_id|related_id)":")[0-9a-f-]{36}/g, fileId),
  });
}

/** Text with everything that differs from one run to the next made equal. */
function steady(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\/files/g, '<base>/files')
    .replaceAll(/timestamp=\d+&nonce=[0-9a-f]+&sign=[\w-]+=*/g, '<signature>')
    .replaceAll(/req_id: [0-9a-f]{10}/g, 'req_id: <id>')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, '<time>');
}

function steadyFrames(bytes: Uint8Array): unknown[] {
  return decodeFrames(bytes).map((frame) => JSON.parse(steady(JSON.stringify(frame))) as unknown);
}

describe.runIf(sharedIsPresent)('recorded invocations', () => {
  let sandbox: Sandbox;
  let fileId: string;

  beforeEach(async () => {
    sandbox = await startSandbox();
    const picture = new File([new Uint8Array(70)], 'p.png', { type: 'image/png' });
    fileId = ((await (await upload(sandbox, picture)).json()) as { id: string }).id;
  });

  for (const entry of recordings('invoke')) {
    it(`${entry.name}: the same frames`, async () => {
      await install(sandbox, entry);
      const response = await replay(sandbox, entry, fileId);
      expect(response.status).toBe(entry.response.status);
      expect(response.headers.get('content-type')).toBe(entry.response.headers['content-type']);
      expect(response.headers.get('transfer-encoding')).toBe('chunked');
      expect(response.headers.get('x-env')).toBe(entry.response.headers['x-env']);
      expect(response.headers.get('x-version')).toBe('1.13.0');
      expect(steadyFrames(new Uint8Array(await response.arrayBuffer()))).toEqual(steadyFrames(bodyOf(entry)));
    });
  }
});

describe(`recorded refusals${sharedNote}`, () => {
  it(`finds recordings to replay${sharedNote}`, () => {
    expect(recordings('invoke').length > 10).toBe(sharedIsPresent);
    expect(recordings('invoke-error').length > 10).toBe(sharedIsPresent);
  });

  for (const entry of recordings('invoke-error')) {
    it(`${entry.name}: the same status and body`, async () => {
      const sandbox = await startSandbox();
      await install(sandbox, entry);
      const response = await replay(sandbox, entry);
      expect(response.status).toBe(entry.response.status);
      expect(response.headers.get('content-type')).toBe(entry.response.headers['content-type']);
      expect(await response.json()).toEqual(entry.response.json);
    });
  }
});
