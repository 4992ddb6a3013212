import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeManifest } from '../../../src/manifest/write.ts';
import { parameter } from '../../../src/sandbox/declaration.ts';
import { text } from '../../../src/sandbox/messages.ts';
import { builtinProvider, defineTool } from '../../../src/sandbox/provider.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { type CatalogueBridge, startCatalogueBridge } from '../../support/catalogue-bridge.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';

const ID = 'acme/press/press';
const NAME = 'acme_press__print';
const PRESETS = { [NAME]: { parameters: { width: 400 }, narrow: { color: { enum: ['blue'] } } } };
const MISFIT = 'Settings do not match the available tools';

/** Has Dify list the tool with these parameters. */
function declare(
  { workspace }: Sandbox,
  width: { name: string; min: number },
  colors: readonly string[],
): void {
  const parameters = [
    parameter(width.name, { type: 'number', min: width.min, required: false }),
    parameter('color', { type: 'select', options: [...colors] }),
  ];
  const print = defineTool('print', { description: 'Prints.', parameters }, async function* (given) {
    yield text(JSON.stringify(given));
  });
  workspace.addProvider(builtinProvider(ID, { label: 'Press', description: 'Prints.', tools: [print] }));
}

async function answerOf(client: TestClient, args: Record<string, unknown>): Promise<string> {
  return client.callTool(NAME, args).then(
    ({ content }) => content.map((block) => block.text ?? '').join('\n'),
    (error: unknown) => (error as Error).message,
  );
}

const misfitsIn = ({ logger }: CatalogueBridge): unknown[] =>
  logger.lines.filter(({ message }) => message === MISFIT).map(({ fields }) => fields?.['problems']);

describe.each(CLIENT_KINDS)('presets of a tool that Dify changes, client %s', (kind) => {
  it.each<[string, { name: string; min: number }, string[], string]>([
    ['takes the fixed value no more', { name: 'width', min: 500 }, ['blue', 'red'], '"width" is not a value'],
    ['calls the fixed parameter otherwise', { name: 'size', min: 1 }, ['blue', 'red'], 'a parameter "width"'],
    ['calls the choice that is left otherwise', { name: 'width', min: 1 }, ['navy', 'red'], '"blue" is none'],
  ])('that %s: it is withheld, and the log says why once', async (_what, width, colors, reason) => {
    await using bridge = await startCatalogueBridge({ file: { tools: { presets: PRESETS } }, start: false });
    declare(bridge.sandbox, { name: 'width', min: 1 }, ['blue', 'red']);
    bridge.app.start();
    await bridge.app.registry.ready();
    for (const client of [await bridge.connect(kind), await bridge.connectStdio(kind)]) {
      expect(await answerOf(client, { color: 'blue' })).toBe('{"width":400,"color":"blue"}');
      expect(await answerOf(client, { color: 'red' })).toContain('blue');
      expect(misfitsIn(bridge)).toEqual([]);

      declare(bridge.sandbox, width, colors);
      await bridge.app.refresh();
      await bridge.app.refresh();
      expect((await client.listPage()).tools.some(({ name }) => name === NAME)).toBe(false);
      const refused = await answerOf(client, { [width.name]: 800, color: 'red' });
      expect(refused).toContain('not published');
      expect(refused).toContain(reason);
      expect(misfitsIn(bridge)).toEqual([[expect.stringContaining(reason)]]);

      declare(bridge.sandbox, { name: 'width', min: 1 }, ['blue', 'red']);
      await bridge.app.refresh();
      expect(await answerOf(client, { color: 'blue' })).toBe('{"width":400,"color":"blue"}');
      bridge.logger.lines.splice(0);
    }
  });
});

it('says at the start, and after a reload, which settings fit no tool', async () => {
  await using bridge = await startCatalogueBridge({ file: { tools: { presets: { time__weekdy: {} } } } });
  await bridge.app.registry.ready();
  expect(misfitsIn(bridge)).toEqual([[expect.stringContaining('Did you mean time__weekday')]]);
  bridge.write({ tools: { aliases: { old: 'nowhere' } } });
  expect(await bridge.app.reload()).toMatchObject({ error: undefined });
  expect(misfitsIn(bridge)[1]).toEqual([expect.stringMatching(/^tools\.aliases\.old: /)]);
  bridge.write({});
  expect(await bridge.app.reload()).toMatchObject({ error: undefined });
  expect(bridge.logger.lines.at(-1)?.message).not.toBe(MISFIT);
  expect(bridge.logger.lines.some(({ message }) => message.includes('match the available tools again'))).toBe(
    true,
  );
});

it('says once what several views go by, and not again when one of them is gone', async () => {
  const tools = { presets: { time__weekdy: {} } };
  const own = { allow: ['time__weekdy'] };
  await using bridge = await startCatalogueBridge({ file: { tools, views: { small: {}, other: own } } });
  await bridge.app.registry.ready();
  const [line, ...others] = bridge.logger.lines.filter(({ message }) => message === MISFIT);
  expect(others).toEqual([]);
  expect(line?.fields).toMatchObject({ views: ['default', 'small', 'other'], count: 2 });
  expect(line?.fields?.['unlisted']).toBeUndefined();
  bridge.write({ tools });
  expect(await bridge.app.reload()).toMatchObject({ error: undefined });
  expect(misfitsIn(bridge)).toHaveLength(1);
});

it('says that Dify may have what is missed where it could not list everything', async () => {
  const presets = { acme_press__print: {} };
  await using bridge = await startCatalogueBridge({ file: { tools: { presets } }, start: false });
  declare(bridge.sandbox, { name: 'width', min: 1 }, ['blue']);
  bridge.sandbox.workspace.breakProvider(ID);
  await bridge.app.refresh();
  const line = bridge.logger.lines.find(({ message }) => message === MISFIT);
  expect(line?.fields).toMatchObject({ count: 1, unlisted: expect.stringContaining('could not list') });
  bridge.sandbox.workspace.repair();
  await bridge.app.refresh();
  expect(bridge.logger.lines.at(-1)?.message).toBe('The settings match the available tools again');
});

it('does not hold the settings against what was approved where Dify is asked', async () => {
  const file = { tools: { presets: { acme_press__print: { credential: 'Sales' } } } };
  await using first = await startCatalogueBridge({ file, start: false });
  const { sandbox } = first;
  const print = defineTool('print', { description: 'Prints.' }, async function* () {
    yield text('printed');
  });
  sandbox.workspace.addProvider(
    builtinProvider(ID, {
      label: 'Press',
      description: 'Prints.',
      credentialFields: ['key'],
      tools: [print],
    }),
  );
  sandbox.workspace.authorize(ID, 'Sales');
  await first.app.refresh();
  const dir = join(first.folder, 'tools');
  await writeManifest(dir, await first.app.registry.ready(), first.app.status().listing?.providers ?? []);
  const env = { DIFY_BRIDGE_MANIFEST: dir };
  await using bridge = await startCatalogueBridge({ sandbox, file, env });
  await bridge.app.refresh();
  expect(misfitsIn(bridge)).toEqual([]);
  await using offline = await startCatalogueBridge({ sandbox, file, env, offline: true });
  await offline.app.refresh();
  expect(misfitsIn(offline)).toEqual([[expect.stringContaining('are unknown')]]);
});

it('names in the log the tool that a glob does not fit', async () => {
  const presets = { 'time__*': { parameters: { timezone: 'Mars' } } };
  await using bridge = await startCatalogueBridge({ file: { tools: { presets } } });
  await bridge.app.registry.ready();
  const problem = expect.stringMatching(
    /^tools\.presets\.time__\*: time__current_time: The preset for "timezone"/,
  );
  expect(misfitsIn(bridge)).toEqual([[problem]]);
});

it('holds the settings against what was approved while Dify does not answer', async () => {
  await using first = await startCatalogueBridge({});
  const dir = join(first.folder, 'tools');
  await writeManifest(dir, await first.app.registry.ready(), first.app.status().listing?.providers ?? []);
  await using bridge = await startCatalogueBridge({
    file: { tools: { presets: { time__weekdy: {} } } },
    env: { DIFY_BRIDGE_MANIFEST: dir, DIFY_API_URL: 'http://127.0.0.1:9' },
  });
  await expect(bridge.app.refresh()).rejects.toThrow(/cannot be reached|127\.0\.0\.1/);
  expect(misfitsIn(bridge)).toEqual([[expect.stringContaining('time__weekdy')]]);
  bridge.write({ tools: { presets: { time__weekdai: {} } } });
  expect(await bridge.app.reload()).toMatchObject({ error: undefined });
  expect(misfitsIn(bridge)[1]).toEqual([expect.stringContaining('time__weekdai')]);
});

it('does not repeat a misfit whose advice has changed', async () => {
  const presets = { acme_press__prin: {} };
  await using bridge = await startCatalogueBridge({ file: { tools: { presets } } });
  await bridge.app.registry.ready();
  declare(bridge.sandbox, { name: 'width', min: 1 }, ['blue']);
  await bridge.app.refresh();
  expect(bridge.app.registry.current()?.notes).toMatchObject([
    { message: expect.stringContaining('acme_press__print?') },
  ]);
  expect(misfitsIn(bridge)).toHaveLength(1);
});

describe.each(CLIENT_KINDS)('a preset of a bare name that a second tool gets, client %s', (kind) => {
  it('leaves nothing open', async () => {
    const presets = { print: { parameters: { width: 400 } } };
    await using bridge = await startCatalogueBridge({
      file: { tools: { names: 'bare', presets } },
      start: false,
    });
    declare(bridge.sandbox, { name: 'width', min: 1 }, ['blue']);
    await bridge.app.refresh();
    for (const client of [await bridge.connect(kind), await bridge.connectStdio(kind)]) {
      const call = async (name: string): Promise<string> =>
        client.callTool(name, { width: 1 }).then(
          ({ content }) => content.map((block) => block.text ?? '').join('\n'),
          (error: unknown) => (error as Error).message,
        );
      expect(await call('print')).toContain('callers cannot set');
      const parameters = [parameter('width', { type: 'number', required: false })];
      const other = defineTool('print', { description: 'Prints.', parameters }, async function* () {
        yield text('other');
      });
      bridge.sandbox.workspace.addProvider(
        builtinProvider('other/set/set', { label: 'Set', description: 'Prints.', tools: [other] }),
      );
      await bridge.app.refresh();
      expect(await call(NAME)).toContain('callers cannot set');
      expect(await call('other_set__print')).toContain('callers cannot set');
      bridge.sandbox.workspace.removeProvider('builtin', 'other/set/set');
      await bridge.app.refresh();
      expect(await call('print')).toContain('callers cannot set');
    }
  });
});
