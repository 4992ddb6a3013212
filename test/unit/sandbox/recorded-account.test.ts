import { describe, expect, it } from 'vitest';
import { type Json, type JsonObject, isJsonObject } from '../../../src/model/json.ts';
import type { ProviderType } from '../../../src/model/tool.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { blob, json, type SandboxMessage, text, variable } from '../../../src/sandbox/messages.ts';
import { textOf } from '../../../src/sandbox/parameter-values.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { type Recording, recordings, sharedIsPresent, sharedNote } from '../../support/shared.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

const RECORDINGS = recordings('account', '1.16.1');
const named = (name: string): Recording => {
  const found = RECORDINGS.find((entry) => entry.name === `account/${name}`);
  if (found === undefined) throw new Error(`There is no recording ${name}.`);
  return found;
};
const RUNS = RECORDINGS.filter(({ name }) => name.startsWith('account/run-'));
const FORMS = ['error_correction', 'border'];
const APP = /(?<=\/apps\/)[0-9a-f-]{36}/;

interface Node extends JsonObject {
  readonly id: string;
  readonly data: JsonObject;
}

function nodesOf({ request }: Recording): readonly Node[] {
  const { graph } = request.body as { graph: { nodes: readonly Node[] } };
  return graph.nodes;
}

/** Yields what the recorded tool must have sent, or fails as it did. */
async function* recordedMessages(run: JsonObject): AsyncGenerator<SandboxMessage> {
  const error = run['error'];
  if (typeof error === 'string') throw new Error(/error details: (.*)$/s.exec(error)?.[1] ?? error);
  const { text: words, json: values, files, ...variables } = run['outputs'] as Record<string, Json>;
  yield text(words as string);
  for (const value of values as readonly Json[]) yield json(value);
  for (const file of files as readonly JsonObject[]) {
    yield blob(Buffer.alloc(Number(file['size'])), {
      mime_type: textOf(file, 'mime_type'),
      filename: textOf(file, 'filename'),
    });
  }
  for (const [name, value] of Object.entries(variables)) yield variable(name, value);
}

/** Installs the tool of a recorded node, under its own ids. */
function install(sandbox: Sandbox, { data }: Node, entry: Recording): void {
  const [id, name] = [textOf(data, 'provider_id'), textOf(data, 'tool_name')];
  const names = [...Object.keys(data['tool_parameters'] as JsonObject), ...FORMS];
  const isNumber = (key: string) => ['year', 'month', 'day'].includes(key);
  const parameters = names.map((key) =>
    parameter(key, { type: isNumber(key) ? 'number' : 'any', form: FORMS.includes(key) ? 'form' : 'llm' }),
  );
  const run = entry.response.json as JsonObject;
  const tool = defineTool(name, { description: name, parameters }, () => recordedMessages(run));
  const credentialFields = entry.name.endsWith('unauthorised') ? ['api_key'] : [];
  const provider = builtinProvider(id, { label: id, description: id, credentialFields, tools: [tool] });
  sandbox.workspace.addProvider({ ...provider, type: data['provider_type'] as ProviderType });
}

async function send(sandbox: Sandbox, { method, path, body }: Recording['request'], appId: string) {
  const { adminApiKey, workspaceId } = sandbox.credentials;
  const sent = JSON.stringify(body)?.replaceAll(/(?<="upload_file_id":")[^"]+/g, () => fileId);
  return fetch(`${sandbox.url}${path.replace(APP, appId)}`, {
    method,
    headers: {
      authorization: `Bearer ${adminApiKey}`,
      'x-workspace-id': workspaceId,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    body: sent,
  });
}
let fileId = '';

/** A value with everything that differs from one run to the next made equal. */
function steady(value: unknown): unknown {
  const words = JSON.stringify(value)
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(/dify-file-ref:[^"\\]+/g, '<reference>')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+\/files[^"\\]+/g, '<link>')
    .replaceAll(/"(elapsed_time|created_at|updated_at|finished_at)":[\d.e-]+/g, '"$1":0')
    // The recorded workflow returned the uploaded file; the replayed one stores its own.
    .replaceAll('"transfer_method":"local_file"', '"transfer_method":"tool_file"')
    .replaceAll(/"hash":"[0-9a-f]{64}"/g, '"hash":"<hash>"')
    .replaceAll(/"(node_id|remote_url|extras|icon)":("[^"]*"|\{[^{}]*\}|null)/g, '"$1":null')
    .replaceAll(/(?<="extras":)\{[^{}]*\}/g, 'null');
  return JSON.parse(words) as unknown;
}

/** The keys of a value, at every depth. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysOf);
  if (!isJsonObject(value)) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, keysOf(inner)]));
}

describe.runIf(sharedIsPresent)('recorded exchanges of an account', () => {
  async function prepared(): Promise<{ sandbox: Sandbox; appId: string; hash: string }> {
    const sandbox = await startSandbox({ version: '1.16.1' });
    const made = await send(sandbox, named('app-create').request, '');
    const { id: appId } = (await made.json()) as { id: string };
    const first = await send(sandbox, named('draft-first').request, appId);
    const { hash } = (await first.json()) as { hash: string };
    return { sandbox, appId, hash };
  }

  for (const entry of RUNS) {
    it(`${entry.name}: the same answer`, async () => {
      const { sandbox, appId, hash } = await prepared();
      const form = new FormData();
      form.append('file', new File(['hello file'], 'a.txt', { type: 'text/plain' }));
      const { adminApiKey, workspaceId } = sandbox.credentials;
      const uploaded = await fetch(`${sandbox.url}/console/api/files/upload`, {
        method: 'POST',
        headers: { authorization: `Bearer ${adminApiKey}`, 'x-workspace-id': workspaceId },
        body: form,
      });
      fileId = ((await uploaded.json()) as { id: string }).id;
      const sync = named('draft-sync');
      const [, nodeId] = /nodes\/(\w+)\/run/.exec(entry.request.path) ?? [];
      const node = nodesOf(sync).find(({ id }) => id === nodeId);
      // The recorded draft lacks the nodes that were added after it.
      const known = node === undefined ? [] : [node];
      for (const each of known) install(sandbox, each, entry);
      const graph = { nodes: [...nodesOf(sync).slice(0, 1), ...known], edges: [], viewport: {} };
      const synced = { ...sync.request, body: { ...(sync.request.body as object), graph, hash } };
      expect((await send(sandbox, synced, appId)).status).toBe(200);
      const answer = await send(sandbox, entry.request, appId);
      expect(answer.status).toBe(entry.response.status);
      const [got, recorded] = [await answer.json(), entry.response.json].map(steady) as JsonObject[];
      // Files of inputs differ by what each Dify stores of them: only their place is compared.
      const { inputs: own, ...rest } = got ?? {};
      const { inputs: theirs, ...recordedRest } = recorded ?? {};
      expect(rest).toEqual(recordedRest);
      expect(Object.keys(own ?? {})).toEqual(expect.arrayContaining(Object.keys(theirs ?? {})));
    });
  }

  it('finds, reads and refuses as recorded', async () => {
    const { sandbox, appId } = await prepared();
    const found = await send(sandbox, named('apps-find').request, appId);
    const recordedApps = (named('apps-find').response.json as { data: JsonObject[] }).data;
    const { data } = (await found.json()) as { data: JsonObject[] };
    for (const key of Object.keys(data[0] ?? {})) expect(Object.keys(recordedApps[0] ?? {})).toContain(key);

    const conflict = await send(sandbox, named('draft-conflict').request, appId);
    expect(conflict.status).toBe(409);
    expect(await conflict.json()).toEqual(named('draft-conflict').response.json);

    const made = await send(sandbox, named('app-create').request, '');
    const { id: empty } = (await made.json()) as { id: string };
    const absent = await send(sandbox, named('draft-absent').request, empty);
    expect(absent.status).toBe(404);
    expect(steady(await absent.json())).toEqual(steady(named('draft-absent').response.json));
    const first = await send(sandbox, named('draft-first').request, empty);
    expect(keysOf(await first.json())).toEqual(keysOf(named('draft-first').response.json));
  });
});

describe(`recordings of an account${sharedNote}`, () => {
  it('are there to replay', () => expect(RUNS.length > 10).toBe(sharedIsPresent));
});
