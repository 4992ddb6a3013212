import { beforeEach, describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  bodyOf,
  everyRecording,
  type Recording,
  recording,
  recordings,
  type Recorded,
  sharedIsPresent,
  sharedNote,
} from '../../support/shared.ts';
import { decodeFrames, startSandbox, upload } from '../../support/sandbox-client.ts';
import { kitProvider, probeProvider } from '../../support/recorded-kit.ts';
import { recordedApi, recordedEcho, recordedFiles, recordedMcp } from '../../support/recorded-workspace.ts';

/** The workspaces of the recorded installations. */
const RECORDED_TENANTS =
  /fca33602-f62e-46d2-801c-630340289682|f547a744-cbc8-48ef-a93d-fd274178c54f|1647c184-c4e8-4e62-9bef-5113898e20d3/g;
const RECORDED_KEY = recording('invoke/builtin-current-time')?.request.headers['x-inner-api-key'];

/** Installs what the recording asks for, under the ids that it names. */
async function install(sandbox: Sandbox, entry: Recording): Promise<void> {
  const { tool_type: type, provider, tool } = entry.request.body as Record<string, string>;
  if (
    type === 'builtin' &&
    tool !== undefined &&
    /^(?:acme\/(?:probe|vault)|langgenius)\//.test(provider ?? '')
  ) {
    const name = entry.name.endsWith('tool-unknown') ? 'other' : tool;
    sandbox.workspace.addProvider(probeProvider(provider ?? '', name));
    return;
  }
  if (provider === undefined || /unknown|not-installed|malformed/.test(entry.name)) {
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
  const login = headers['authorization'] !== undefined && {
    authorization: `Bearer ${sandbox.credentials.adminApiKey}`,
    'x-workspace-id': sandbox.credentials.workspaceId,
  };
  return fetch(`${sandbox.url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...headers,
      ...(key !== undefined && { 'x-inner-api-key': key }),
      ...login,
    },
    body: text
      .replaceAll(RECORDED_TENANTS, sandbox.credentials.workspaceId)
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

  for (const entry of everyRecording('invoke-error')) {
    it(`${entry.name} of ${entry.of}: the same status and body`, async () => {
      const sandbox = await startSandbox({ version: RELEASE[entry.of] });
      await install(sandbox, entry);
      const response = await replay(sandbox, entry);
      expect(response.status).toBe(entry.response.status);
      expect(response.headers.get('content-type')).toBe(entry.response.headers['content-type']);
      expect(unversioned(await response.json())).toEqual(unversioned(entry.response.json));
    });
  }
});

describe.skipIf(!sharedIsPresent)(`recorded calls of other releases${sharedNote}`, () => {
  const names = ['builtin-weekday', 'workflow-401', 'workflow-with-admin-key'];
  const entries = everyRecording('invoke').filter(
    ({ of, name }) => of !== '1.12.1' && names.includes(name.split('/')[1] ?? ''),
  );

  it.each(entries)('$name of $of: the same bytes', async (entry) => {
    const sandbox = await startSandbox({ version: RELEASE[entry.of] });
    const { provider = '' } = entry.request.body as Record<string, string>;
    if (entry.name.includes('workflow')) sandbox.workspace.addProvider(recordedEcho(provider));
    const response = await replay(sandbox, entry);
    expect(response.status).toBe(200);
    // The workflow of that recording has another input.
    const text = Buffer.from(await response.arrayBuffer())
      .toString('latin1')
      .replace('q is', 'doc is');
    expect(text).toBe(Buffer.from(bodyOf(entry)).toString('latin1'));
  });
});

/** The release that the sandbox has to be. */
const RELEASE: Record<Recorded, string> = {
  '1.4.1': '1.4.1',
  '1.12.1': '1.13.0',
  '1.16.1': '1.16.1',
  'main of August 2026': '1.17.0',
};

/** An answer without the version of Dify's validation library. */
function unversioned(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll(/pydantic\.dev\/[\d.]+/g, 'pydantic.dev/x')) as unknown;
}
