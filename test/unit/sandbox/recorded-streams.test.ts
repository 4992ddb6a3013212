import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { type JsonObject, objectOf, textOf } from '../../../src/model/json.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

/** The events of a stream. A ping has no data. */
function eventsOf(stream: string): readonly JsonObject[] {
  return stream
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) =>
      block.startsWith('data: ')
        ? (JSON.parse(block.slice('data: '.length)) as JsonObject)
        : { event: block },
    );
}

/** The events without what depends on the number of nodes and texts: each kind of event once, in order. */
function outline(events: readonly JsonObject[]) {
  const kinds = events.map(({ event, data, ...rest }) => ({
    event: textOf(event),
    envelope: Object.keys(rest),
    // Before its graph engine was replaced in 1.9, Dify also sent where a node runs in parallel.
    keys: Object.keys(objectOf(data)).filter((key) => !key.includes('parallel')),
  }));
  return [...new Map(kinds.map((kind) => [kind.event, kind])).values()];
}

/** How a stream ends. */
function ending(events: readonly JsonObject[]) {
  const last = objectOf(events.at(-1)?.['data']);
  const nodes = events.filter(({ event }) => event === 'node_started' || event === 'node_finished');
  const left = nodes.filter(({ event }) => event === 'node_started').length * 2 - nodes.length;
  return { status: last['status'], steps: typeof last['total_steps'], left };
}

async function send(sandbox: Sandbox, path: string, body?: JsonObject): Promise<Response> {
  const { adminApiKey, workspaceId } = sandbox.credentials;
  return fetch(`${sandbox.url}/console/api/installed-apps${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${adminApiKey}`,
      'x-workspace-id': workspaceId,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
  });
}

/** Runs the sandbox's slow workflow to the given end. */
async function streamOf(version: string, end: string): Promise<readonly JsonObject[]> {
  const sandbox = await startSandbox({ version, tools: 'long' });
  const { installed_apps: apps } = (await (await send(sandbox, '')).json()) as {
    installed_apps: readonly { id: string }[];
  };
  const path = `/${apps[0]?.id}/workflows`;
  const seconds = { succeeded: 0, failed: 100_000, stopped: 600 }[end] ?? 0;
  const answer = await send(sandbox, `${path}/run`, { inputs: { seconds } });
  if (end === 'stopped') await send(sandbox, `${path}/tasks/${sandbox.account.tasks[0]?.id}/stop`, {});
  return eventsOf(await answer.text());
}

describe('streams of workflows, as running releases sent them', () => {
  it.for([
    ['1.7.2', '1.7.2'],
    ['1.12.1', '1.12.1'],
    ['main-2026-08', '1.16.1'],
  ])('%s: the sandbox as %s sends the same', async ([recorded = '', version = '']) => {
    for (const end of ['succeeded', 'failed', 'stopped']) {
      const file = new URL(`../../fixtures/streams/${recorded}-${end}.txt`, import.meta.url);
      const theirs = eventsOf(await readFile(file, 'utf8'));
      const ours = await streamOf(version, end);
      // The recorded workflow of 1.7.2 wrote no text while it ran.
      const known = outline(theirs).map(({ event }) => event);
      const shown = outline(ours).filter(({ event }) => event !== 'text_chunk' || known.includes(event));
      expect(shown, end).toEqual(outline(theirs));
      expect(ending(ours), end).toEqual(ending(theirs));
      if (end !== 'stopped') continue;
      expect(objectOf(ours.at(-1)?.['data'])['error']).toBe(objectOf(theirs.at(-1)?.['data'])['error']);
    }
  });
});
