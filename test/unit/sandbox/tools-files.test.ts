import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Sample, SAMPLES } from '../../../src/sandbox/samples.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { asAdmin, framesOf, signed, startSandbox, upload } from '../../support/sandbox-client.ts';

const SAMPLER = { tool_type: 'builtin', provider: 'paperkite/samples/samples' };
const ECHO = {
  tool_type: 'workflow',
  provider: '5a4db0c5-0000-4000-8000-0000000000b5',
  tool: 'echo_file',
};

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function bytesAt(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

describe('the set of tools for files', () => {
  it('gives every sample as it is, with what it says of it', async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    const kinds = Object.keys(SAMPLES);
    const frames = await framesOf(sandbox, { ...SAMPLER, tool: 'give_files', tool_parameters: { kinds } });
    expect(frames).toHaveLength(kinds.length);
    for (const [index, kind] of kinds.entries()) {
      const { bytes, ...meta }: Sample = SAMPLES[kind]?.() ?? { bytes: Buffer.alloc(0) };
      const data = frames[index]?.data;
      expect(data?.meta).toEqual(meta);
      const isPicture = meta.mime_type?.includes('image') === true;
      expect(data?.type).toBe(isPicture ? 'image_link' : 'binary_link');
      expect(await bytesAt(signed(sandbox, data?.message['text']))).toEqual(Buffer.from(bytes));
    }
  });

  it('fails after its files, and for a kind that is none', async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    const frames = await framesOf(sandbox, {
      ...SAMPLER,
      tool: 'give_files',
      tool_parameters: { kinds: ['csv'], fail: true },
    });
    expect(frames.map(({ data, error }) => [data?.type, error.includes('as requested')])).toEqual([
      ['binary_link', false],
      [undefined, true],
    ]);
    const [refused] = await framesOf(sandbox, {
      ...SAMPLER,
      tool: 'give_files',
      tool_parameters: { kinds: ['constructor'] },
    });
    expect(refused?.error).toContain('kinds must be any of: png');
  });

  it('gives back the file that it got', async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    const content = Buffer.alloc(5_000_000, 'abc');
    const stored = (await (
      await upload(sandbox, new File([content], '季度 报告.csv', { type: 'text/csv' }))
    ).json()) as {
      id: string;
    };
    const frames = await framesOf(sandbox, {
      ...ECHO,
      tool_parameters: { file: { transfer_method: 'tool_file', tool_file_id: stored.id } },
    });
    const outputs = frames.at(-1)?.data?.message['json_object'] as
      | { echo: { url: string; filename: string }; size: number }
      | undefined;
    expect({ name: outputs?.echo.filename, size: outputs?.size }).toEqual({
      name: '季度 报告.csv',
      size: content.length,
    });
    expect(digest(await bytesAt(outputs?.echo.url ?? ''))).toBe(digest(content));
  });

  it('is what the console lists', async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    for (const [type, names] of [
      ['builtin', ['give_files', 'give_bytes', 'write_text']],
      ['workflow', ['echo_file']],
    ] as const) {
      const listed = (await (await asAdmin(sandbox, `/workspaces/current/tools/${type}`)).json()) as {
        tools: { name: string }[];
      }[];
      expect(listed.flatMap(({ tools }) => tools.map(({ name }) => name))).toEqual(names);
    }
  });
});

describe('files of a workflow', () => {
  it.each([
    ['1.13.0', '.bin', ['related_id', 'tenant_id']],
    ['1.16.0', '.wav', ['reference']],
  ])('are named in %s with the extension %s, and %j', async (version, extension, names) => {
    const sandbox = await startSandbox({ tools: 'files', version });
    const answer = await upload(sandbox, new File(['RIFF'], 'sound.WAV', { type: 'audio/wav' }));
    const stored = (await answer.json()) as { id: string; extension: string; reference?: string };
    expect([stored.extension, 'reference' in stored]).toEqual([extension, version === '1.16.0']);
    const frames = await framesOf(sandbox, {
      ...ECHO,
      tool_parameters: { file: { transfer_method: 'tool_file', tool_file_id: stored.id } },
    });
    const { file, ...meta } = (frames[0]?.data?.meta ?? {}) as { file?: Record<string, unknown> };
    expect(meta).toEqual(version === '1.16.0' ? { tool_file_id: stored.id, mime_type: 'audio/wav' } : {});
    expect(file).toMatchObject({ extension, filename: 'sound.WAV', type: 'audio' });
    const found = ['reference', 'related_id', 'tenant_id'].filter((name) => file?.[name] !== undefined);
    expect(found).toEqual(names);
    expect(frames.at(-1)?.data?.message['json_object']).toMatchObject({
      echo: { ...file, related_id: stored.id, tool_file_id: stored.id },
    });
  });
});

describe('requests for addresses', () => {
  const request = (sandbox: Sandbox, fields: object, key = sandbox.credentials.innerApiKey) =>
    fetch(`${sandbox.url}/inner/api/download/file/request`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-inner-api-key': key },
      body: JSON.stringify({
        tenant_id: sandbox.credentials.workspaceId,
        user_id: '',
        user_from: 'account',
        invoke_from: 'service-api',
        for_external: false,
        ...fields,
      }),
    });
  const reference = (id: string): string =>
    `dify-file-ref:${Buffer.from(JSON.stringify({ record_id: id })).toString('base64')}`;
  const fileOf = (id: string) => ({ transfer_method: 'tool_file', reference: reference(id) });

  async function storedId(sandbox: Sandbox): Promise<string> {
    const answer = await upload(sandbox, new File(['x'], 'x.txt', { type: 'text/plain' }));
    return ((await answer.json()) as { id: string }).id;
  }

  it('give a signed one from 1.15.0 on, for the exact reference alone', async () => {
    const sandbox = await startSandbox({ version: '1.15.0' });
    const id = await storedId(sandbox);
    const answer = await request(sandbox, { file: fileOf(id) });
    const { data } = (await answer.json()) as { data: Record<string, unknown> };
    expect(data).toEqual({
      filename: 'x.txt',
      mime_type: 'text/plain',
      size: 1,
      download_url: expect.stringMatching(/\/files\/tools\/.*&sign=/),
    });
    expect((await bytesAt(String(data['download_url']))).toString()).toBe('x');

    const absent = 'aaaaaaaa-0000-4000-8000-000000000000';
    for (const [fields, status, message] of [
      [{ file: { transfer_method: 'tool_file', reference: id } }, 400, 'a canonical Dify file reference'],
      [
        { file: { transfer_method: 'tool_file', reference: reference(id).replaceAll('=', '') } },
        400,
        'a canonical Dify file reference',
      ],
      [{ file: fileOf(id), more: 1 }, 400, 'invalid payload: '],
      [{ file: fileOf(id), tenant_id: absent }, 400, 'tenant not found'],
      [{ file: fileOf(id), tenant_id: 'other' }, 500, 'Internal Server Error'],
      [{ file: fileOf(absent) }, 400, `ToolFile ${absent} not found`],
      [{ file: { ...fileOf(absent), transfer_method: 'local_file' } }, 400, 'Invalid upload file'],
    ] as const) {
      const refused = await request(sandbox, fields);
      const what = JSON.stringify(fields);
      expect([refused.status, await refused.json()], what).toEqual([
        status,
        expect.objectContaining({ message: expect.stringContaining(message) }),
      ]);
    }
    expect((await request(sandbox, { file: fileOf(id) }, 'wrong')).status).toBe(404);
  });

  it('are unknown before', async () => {
    const sandbox = await startSandbox({ version: '1.14.2' });
    const answer = await request(sandbox, { file: fileOf(await storedId(sandbox)) });
    expect([answer.status, await answer.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'not_found', message: expect.stringContaining('requested URL') }),
    ]);
  });

  it('have their id in the messages from 1.14.0 on', async () => {
    for (const [version, has] of [
      ['1.13.3', false],
      ['1.14.0', true],
    ] as const) {
      const sandbox = await startSandbox({ tools: 'files', version });
      const [frame] = await framesOf(sandbox, {
        ...SAMPLER,
        tool: 'give_files',
        tool_parameters: { kinds: ['csv'] },
      });
      const id = /tools\/([\w-]+)\./.exec(String(frame?.data?.message['text']))?.[1];
      const meta = frame?.data?.meta as { tool_file_id?: string } | undefined;
      expect(meta?.tool_file_id).toBe(has ? id : undefined);
    }
  });
});
