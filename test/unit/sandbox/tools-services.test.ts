import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import {
  type DecodedFrame,
  framesOf,
  invoke,
  messagesOf,
  startSandbox,
  textsOf,
  upload,
} from '../../support/sandbox-client.ts';
import { recordedMcp } from '../../support/recorded-workspace.ts';

const PETS = '5a4db0c5-0000-4000-8000-0000000000a1';
const REPORT = '5a4db0c5-0000-4000-8000-0000000000b3';

describe('the pet store', () => {
  const call = (tool: string, tool_parameters: object = {}) => ({
    tool_type: 'api',
    provider: PETS,
    tool,
    tool_parameters,
  });
  const kinds = (frames: readonly DecodedFrame[]): unknown[] => frames.map((frame) => frame.data?.type);

  it('answers objects as json and text, lists as text, and keeps what was created', async () => {
    const sandbox = await startSandbox();
    const created = await framesOf(sandbox, call('createPet', { name: 'Ada', kind: 'cat', age: '3' }));
    expect(kinds(created)).toEqual(['json', 'text']);
    const pet = created[0]?.data?.message['json_object'] as { id: number };
    expect(pet).toMatchObject({ name: 'Ada', kind: 'cat', age: 3 });
    expect(JSON.parse(String(textsOf(created)[0]))).toEqual(pet);

    const listed = await framesOf(sandbox, call('listPets', { kind: 'cat' }));
    expect(kinds(listed)).toEqual(['text']);
    expect(JSON.parse(String(textsOf(listed)[0]))).toMatchObject([{ name: 'Mori' }, { name: 'Ada' }]);
    const [first] = textsOf(await framesOf(sandbox, call('listPets', { limit: 1 })));
    expect(JSON.parse(String(first))).toHaveLength(1);
    expect(textsOf(await framesOf(sandbox, call('petspetIdcard_get', { petId: pet.id })))).toEqual([
      'Ada, cat, 3 years old.',
    ]);
    const removed = await framesOf(sandbox, call('pets.remove', { petId: pet.id }));
    expect(textsOf(removed)[0]).toContain('Empty response');
  });

  it.each([
    ['getPet', { petId: 99 }, 'Request failed with status code 404 and {"detail":"No pet has that id."}'],
    [
      'createPet',
      { name: '', kind: 'x' },
      'Request failed with status code 422 and {"detail":"A pet needs a name."}',
    ],
    ['getPet', {}, 'Missing required parameter petId'],
  ])('fails with %s %j', async (tool, given, error) => {
    expect(await framesOf(await startSandbox(), call(tool, given))).toEqual([{ data: null, error }]);
  });
});

describe('the workflow with a file', () => {
  const run = (document: unknown, title?: string) => ({
    tool_type: 'workflow',
    provider: REPORT,
    tool: 'any name will do',
    tool_parameters: { document, ...(title !== undefined && { title }) },
  });

  it('answers a report with signed address in its outputs', async () => {
    const sandbox = await startSandbox();
    const id = await store(sandbox, new File(['one two\nthree\n'], 'poem.txt', { type: 'text/plain' }));
    const frames = await framesOf(sandbox, run(universalFile(sandbox, id), 'Poem'));
    expect(frames.map((frame) => frame.data?.type)).toEqual([
      'link',
      'variable',
      'variable',
      'variable',
      'text',
      'json',
    ]);
    const outputs = frames.at(-1)?.data?.message['json_object'] as {
      report: { url: string; filename: string; type: string; tool_file_id: string };
      lines: number;
      words: number;
    };
    expect([outputs.lines, outputs.words]).toEqual([2, 3]);
    expect(outputs.report).toMatchObject({ filename: 'poem-report.md', type: 'document' });
    expect(frames[0]?.data?.message['text']).toBe(`/files/tools/${outputs.report.tool_file_id}.md`);
    const fetched = await fetch(outputs.report.url);
    expect([fetched.status, fetched.headers.get('content-type')]).toEqual([
      200,
      'text/markdown; charset=utf-8',
    ]);
    expect(await fetched.text()).toBe('# Poem\n\n- File: poem.txt\n- Lines: 2\n- Words: 3\n- Bytes: 14\n');
  });

  it('cannot return the file on 1.12.1', async () => {
    const sandbox = await startSandbox({ version: '1.12.1' });
    const id = await store(sandbox, new File(['one'], 'poem.txt', { type: 'text/plain' }));
    const frames = await framesOf(sandbox, run(universalFile(sandbox, id)));
    expect(frames).toHaveLength(1);
    expect(frames[0]?.error).toContain('Invalid FileMessage: missing file_marker');
  });

  it('says what is wrong with its input', async () => {
    const sandbox = await startSandbox();
    const id = await store(sandbox, new File(['\u0089PNG'], 'p.png', { type: 'image/png' }));
    const failure = async (document: unknown, title?: string): Promise<string | undefined> =>
      (await framesOf(sandbox, run(document, title)))[0]?.error;
    expect(await failure(undefined)).toBe('document is required in input form');
    expect(await failure('poem.txt')).toBe('document in input form must be a file');
    const mapping = { transfer_method: 'tool_file', tool_file_id: id };
    expect(await failure({ ...mapping, type: 'document' })).toContain('Detected file type does not match');
    expect(await failure({ ...mapping, tool_file_id: 'gone' })).toBe('ToolFile gone not found');
    const remote = { transfer_method: 'remote_url', url: 'https://example.com/x.txt', filename: 'x.txt' };
    expect(await failure(remote)).toBe('File validation failed for file: x.txt');
    expect(await failure(mapping, 'x'.repeat(121))).toContain('must be less than 120 characters');
    expect((await invoke(sandbox, run([mapping, mapping]))).status).toBe(400);
  });
});

describe('the tools of the MCP server', () => {
  const call = (tool: string, tool_parameters: object = {}) => ({
    tool_type: 'mcp',
    provider: 'library-desk',
    tool,
    tool_parameters,
  });

  it('answer text and, with an output schema, variables', async () => {
    const sandbox = await startSandbox();
    const filter = { subjects: ['craft'], years: { from: 2000 } };
    const frames = await framesOf(sandbox, call('search_books', { query: 'wind', filter, limit: null }));
    expect(textsOf(frames)).toEqual(['Paper, Glue and Wind (A. Tanaka, 2021)']);
    expect(messagesOf(frames, 'variable').map((value) => value['variable_value'])).toEqual([
      1,
      ['Paper, Glue and Wind (A. Tanaka, 2021)'],
    ]);
  });

  it('get neither null nor blank texts, and may answer content of every kind', async () => {
    const sandbox = await startSandbox();
    sandbox.workspace.addProvider(recordedMcp('probe'));
    const frames = await framesOf(sandbox, { ...call('mixed', { a: ' ', o: null }), provider: 'probe' });
    expect(frames.map((frame) => frame.data?.type)).toEqual([
      'text',
      'json',
      'json',
      'json',
      'image_link',
      'binary_link',
      'text',
      'variable',
    ]);
    expect(textsOf(frames)).toEqual(['hello {"o": {}}', 'res text']);
  });

  it('answer JSON in a text as json', async () => {
    const [frame] = await framesOf(await startSandbox(), call('opening_hours'));
    expect(frame?.data).toMatchObject({
      type: 'json',
      message: { json_object: { saturday: '10:00-14:00' } },
    });
  });
});

async function store(sandbox: Sandbox, file: File): Promise<string> {
  const response = await upload(sandbox, file);
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** The object that every kind of tool takes for a file. */
function universalFile(sandbox: Sandbox, id: string): object {
  return {
    dify_model_identity: '__dify__file__',
    tenant_id: sandbox.credentials.workspaceId,
    type: 'document',
    transfer_method: 'tool_file',
    tool_file_id: id,
    related_id: id,
    filename: 'poem.txt',
    extension: '.txt',
    mime_type: 'text/plain',
    size: 14,
  };
}
