import { describe, expect, it, onTestFinished } from 'vitest';
import { BridgeApp } from '../../../../src/dify/account/bridge-app.ts';
import { Draft } from '../../../../src/dify/account/draft.ts';
import { type DraftNode, toNodeRun } from '../../../../src/dify/account/node.ts';
import { createConsoleSession } from '../../../../src/dify/console/session.ts';
import { createDifyHttp } from '../../../../src/dify/wire/http.ts';
import type { JsonObject } from '../../../../src/model/json.ts';
import { startSandbox } from '../../../support/sandbox-client.ts';

const SIGNAL = new AbortController().signal;
const ref = { providerType: 'builtin', providerId: 'time', tool: 'weekday' } as const;
const { node } = toNodeRun({ ref, parameters: { year: 2026 }, forms: [], credentialId: undefined });

async function openDraft(rereadMs: number) {
  const sandbox = await startSandbox();
  const http = createDifyHttp({ baseUrl: sandbox.url });
  onTestFinished(() => http.close());
  const session = createConsoleSession(http, {
    kind: 'admin-key',
    key: sandbox.credentials.adminApiKey,
    workspaceId: sandbox.credentials.workspaceId,
  });
  const id = await new BridgeApp({ session, checkWorkspace: async () => undefined, mayCreate: true }).create(
    SIGNAL,
  );
  const draft = new Draft(session, id, rereadMs);
  const stored = () => sandbox.account.apps[0]?.draft?.graph['nodes'] as readonly DraftNode[];
  const edit = (change: (data: JsonObject) => JsonObject) =>
    sandbox.account.editDraft(id, (graph) => ({
      ...graph,
      nodes: stored().map((each) =>
        each.id === node.id ? { ...each, data: change(each['data'] as JsonObject) } : each,
      ),
    }));
  const writes = () =>
    sandbox.requests.filter(({ method, path }) => method === 'POST' && path === draft.path);
  return { draft, stored, edit, writes };
}

describe('a draft', () => {
  it("gets a node back that a person edited, before the node's next run", async () => {
    const { draft, stored, edit, writes } = await openDraft(0);
    (await draft.use(node, SIGNAL))();
    edit((data) => ({ ...data, tool_parameters: { year: { type: 'constant', value: '1999' } } }));
    (await draft.use(node, SIGNAL))();
    expect(stored().find(({ id }) => id === node.id)?.['data']).toEqual(node['data']);
    expect(writes()).toHaveLength(2);
  });

  it('is not written again for what an editor adds to a node', async () => {
    const { draft, edit, writes } = await openDraft(0);
    (await draft.use(node, SIGNAL))();
    edit((data) => ({ ...data, selected: true, title: 'Renamed', is_team_authorization: true }));
    (await draft.use(node, SIGNAL))();
    expect(writes()).toHaveLength(1);
  });
});
