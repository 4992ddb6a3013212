import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { text, WorkerCrash } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { startFront } from '../../support/front.ts';
import { pngOf } from '../../support/pictures.ts';
import type { ClientKind, TestClient } from '../../support/mcp-clients.ts';
import { accountEnv, startBridge, TRANSPORTS } from '../../support/running-bridge.ts';
import { startSandbox } from '../../support/sandbox-client.ts';

const ERAS: readonly ClientKind[] = ['v1', 'v2 pinned'];
const PLACES = TRANSPORTS.flatMap((transport) => ERAS.map((era) => ({ transport, era })));
const PNG = pngOf(2, 2);

function addTools({ workspace }: Sandbox): void {
  const echo = defineTool('echo', { description: 'Echoes.' }, async function* () {
    yield text('echo');
  });
  // oxlint-disable-next-line require-yield -- it crashes before its first message
  const crash = defineTool('crash', { description: 'Crashes.' }, async function* () {
    throw new WorkerCrash('crashed');
  });
  const count = defineTool(
    'count',
    { description: 'Counts.', parameters: [parameter('n', { type: 'number', required: true })] },
    async function* (given) {
      yield text(JSON.stringify(given['n']));
    },
  );
  const tools = [echo, crash, count];
  workspace.addProvider(builtinProvider('tests/kit/kit', { label: 'Kit', description: 'Kit.', tools }));
  const locked = { label: 'Locked', description: 'Locked.', credentialFields: ['key'], tools: [echo] };
  workspace.addProvider(builtinProvider('tests/locked/locked', locked));
}

async function errorOf(client: TestClient, name: string, args: object = {}): Promise<string> {
  const { isError, content } = await client.callTool(name, { ...args });
  expect(isError).toBe(true);
  return content[0]?.text ?? '';
}

describe('what Dify refuses an account', () => {
  it.for(PLACES)(
    'reaches $era over $transport with its reason and the next step',
    async ({ transport, era }) => {
      const sandbox = await startSandbox({ tools: 'demo' });
      addTools(sandbox);
      await using bridge = await startBridge({ env: accountEnv(sandbox) });
      const client = await bridge.connect(era, transport);
      const outcomes = (): (string | undefined)[] =>
        bridge.log.flatMap((line) => {
          const { msg, outcome } = JSON.parse(line) as { msg?: string; outcome?: string };
          return msg === 'Tool call ended' ? [outcome] : [];
        });
      await client.callTool('tests_kit__echo');

      sandbox.account.setRole('normal');
      expect(await errorOf(client, 'tests_kit__echo')).toMatch(
        /does not allow this account.*\n.*editor, admin or owner/s,
      );
      sandbox.account.setRole('editor');
      sandbox.account.limitRate(1, 17);
      expect(await errorOf(client, 'tests_kit__echo')).toContain('Wait 17 s before the next call.');
      expect(await errorOf(client, 'tests_locked__echo')).toMatch(/no credentials.*authorize/s);
      sandbox.workspace.removeTool('builtin', 'tests/kit/kit', 'count');
      expect(await errorOf(client, 'tests_kit__count', { n: 1 })).toContain('Tool with name count not found');
      const started = sandbox.account.runs.length;
      await errorOf(client, 'tests_kit__crash');
      // Nobody knows what it has done: it was sent once.
      expect(sandbox.account.runs).toHaveLength(started + 1);
      expect(outcomes()).toEqual([
        'ok',
        'upstream_forbidden',
        'upstream_rate_limited',
        'provider_unauthorized',
        'tool_gone',
        'upstream_unreachable',
      ]);
    },
  );

  it.for(['1.8.1', '1.9.0'])('asks for credentials in Dify %s', async (version) => {
    const sandbox = await startSandbox({ version });
    addTools(sandbox);
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    expect(await errorOf(client, 'tests_locked__echo')).toMatch(/no credentials.*authorize/s);
  });

  it('names DIFY_URL if something else answers there', async () => {
    const page = createServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<!doctype html><title>nginx</title>');
    });
    await new Promise<void>((resolve) => {
      page.listen(0, '127.0.0.1', resolve);
    });
    const sandbox = await startSandbox();
    const { port } = page.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await using bridge = await startBridge({ env: { ...accountEnv(sandbox, 'admin key'), DIFY_URL: url } });
    await expect(bridge.app.refresh()).rejects.toMatchObject({
      code: 'upstream_wrong_address',
      message: expect.stringMatching(/^DIFY_URL answers/),
      hint: expect.stringContaining('as your browser shows it'),
    });
    page.close();
  });

  it.for(PLACES)(
    'tells $era over $transport that a call may have run if Dify ended during it',
    async ({ transport, era }) => {
      const sandbox = await startSandbox({ tools: 'demo' });
      addTools(sandbox);
      let isDown = false;
      // What nginx answers for a server that ended.
      const answer = ({ url = '' }: IncomingMessage) =>
        isDown && url.endsWith('/run') ? { status: 502, body: '<html>502 Bad Gateway</html>' } : undefined;
      await using front = await startFront(sandbox.url, { answer });
      await using bridge = await startBridge({ env: { ...accountEnv(sandbox), DIFY_URL: front.url } });
      const client = await bridge.connect(era, transport);
      await client.callTool('tests_kit__echo');
      isDown = true;
      const pattern =
        /answers 502: Dify is down\.\n.*api service is running\. The tool may have taken effect/;
      expect(await errorOf(client, 'tests_kit__echo')).toMatch(pattern);
      expect(await errorOf(client, 'workflow__compare_texts', { first: 'a', second: 'b' })).toMatch(pattern);
    },
  );

  it('says that the plan has no room for the app', async () => {
    const sandbox = await startSandbox();
    addTools(sandbox);
    sandbox.account.appLimit = 0;
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    expect(await errorOf(client, 'tests_kit__echo')).toMatch(/plan.*used up.*limit of your subscription/s);
    sandbox.account.appLimit = 10;
    expect((await client.callTool('tests_kit__echo')).content[0]?.text).toBe('echo');
  });
});

describe('files of an account', () => {
  it.for(PLACES)('go both ways for $era over $transport', async ({ transport, era }) => {
    const sandbox = await startSandbox({ tools: 'files' });
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect(era, transport);
    const file = { data: PNG.toString('base64'), filename: 'dot.png' };
    const echoed = await client.callTool('workflow__echo_file', { file });
    expect(echoed.content).toContainEqual(
      expect.objectContaining({ type: 'image', data: PNG.toString('base64'), mimeType: 'image/png' }),
    );
    const given = await client.callTool('paperkite_samples__give_files', { kinds: ['png'] });
    expect(given.content).toContainEqual(expect.objectContaining({ type: 'image', mimeType: 'image/png' }));
  });

  it("are refused beyond Dify's limit, before they are sent", async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    sandbox.account.uploadLimit = 1;
    await using bridge = await startBridge({ env: accountEnv(sandbox) });
    const client = await bridge.connect('v2 pinned');
    const file = { data: Buffer.alloc(2 * 1024 ** 2).toString('base64'), filename: 'big.bin' };
    expect(await errorOf(client, 'workflow__echo_file', { file })).toContain('Dify accepts at most 1 MiB');
    const uploads = sandbox.requests.filter(({ path }) => path === '/console/api/files/upload');
    expect(uploads.map(({ method }) => method)).toEqual(['GET']);
  });

  it('are fetched from the file host alone, without the tokens of the account', async () => {
    const sandbox = await startSandbox({ tools: 'files' });
    const other = await startSandbox({ tools: 'files' });
    await using bridge = await startBridge({
      env: { ...accountEnv(sandbox), DIFY_FILES_URL: other.url },
    });
    const client = await bridge.connect('v2 pinned');
    const given = await client.callTool('paperkite_samples__give_files', { kinds: ['png'] });
    // The other host does not accept the signature, which is not its own.
    expect(given.content[0]?.text).toContain('no longer accepts its link');
    expect(sandbox.requests.some(({ path }) => path.startsWith('/files/'))).toBe(false);
    expect(other.requests.map(({ path }) => path.slice(0, 13))).toEqual(['/files/tools/']);
  });
});
