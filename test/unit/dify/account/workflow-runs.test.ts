import { expect, it, onTestFinished } from 'vitest';
import { WorkflowRuns } from '../../../../src/dify/account/workflow-runs.ts';
import { createConsole } from '../../../../src/dify/console/console.ts';
import { createConsoleSession } from '../../../../src/dify/console/session.ts';
import { createDifyHttp } from '../../../../src/dify/wire/http.ts';
import { startSandbox } from '../../../support/sandbox-client.ts';

const SIGNAL = new AbortController().signal;
const TEXTS = { first: 'a b', second: 'b c' };

/** Runs the workflow that compares texts. Returns which runs were accepted, and how often Dify described its tool. */
async function runs(rereadMs: number) {
  const sandbox = await startSandbox();
  const http = createDifyHttp({ baseUrl: sandbox.url });
  onTestFinished(() => http.close());
  const { adminApiKey: key, workspaceId } = sandbox.credentials;
  const credentials = { kind: 'admin-key', key, workspaceId } as const;
  const session = createConsoleSession(http, credentials);
  const listing = await createConsole(http, credentials).listTools('workflow', SIGNAL);
  const tool = listing?.providers.find(({ tools }) => tools[0]?.name === 'compare_texts');
  const workflows = new WorkflowRuns(session, 1_000_000, rereadMs);
  const accepted: boolean[] = [];
  const run = async (): Promise<void> => {
    const started = await workflows.start(tool?.id ?? '', TEXTS, { signal: SIGNAL });
    accepted.push(started !== undefined);
    // To its end, because a run that is left early is stopped.
    while ((await started?.next())?.done === false);
  };
  await run();
  await run();
  sandbox.account.toolsAreSynced = false;
  await run();
  const descriptions = sandbox.requests.filter(({ path }) => path.includes('tool-provider/workflow/get'));
  return { accepted, descriptions: descriptions.length };
}

it('relies for a while on what it knows of the app of a workflow', async () => {
  expect(await runs(Number.POSITIVE_INFINITY)).toEqual({ accepted: [true, true, true], descriptions: 1 });
});

it('notices afterwards that the workflow is newer than its tool', async () => {
  expect(await runs(0)).toEqual({ accepted: [true, true, false], descriptions: 3 });
});
