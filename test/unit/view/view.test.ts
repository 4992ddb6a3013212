import { describe, expect, it } from 'vitest';
import type { CallOutcome } from '../../../src/model/call.ts';
import type { CatalogListing } from '../../../src/model/ports.ts';
import type { ViewConfig } from '../../../src/config/views.ts';
import type { View } from '../../../src/view/view.ts';
import { errorOf } from '../../support/error-of.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import { echoCaller, listingOf, testView, type TestViewOptions } from '../../support/test-view.ts';
import { parameter, tool, provider } from '../../support/declarations.ts';

const signal = new AbortController().signal;
const HAND_OFF = { handOff: { after: 50_000, withProgress: false } } as const;
const SEARCH = { mode: 'search' } as const;
const READ_ONLY = { presets: { 'read*': { parameters: {}, readOnly: true } } } satisfies Partial<ViewConfig>;

const namesOf = (view: View): string[] | undefined => view.tools.current()?.tools.map(({ name }) => name);

/** A view with these tools, and what clients were notified of since. */
async function watched(listing: CatalogListing, options: TestViewOptions = {}) {
  const view = await testView(options);
  view.update(listing);
  const heard: string[][] = [];
  view.tools.onChange(({ tools }) => heard.push(tools.map(({ name }) => name)));
  return { view, heard };
}

/** The settings of a view with some of them changed. */
function changed(view: View, changes: Partial<ViewConfig>) {
  return { ...view.settings, config: { ...view.config, ...changes } };
}

function textOf(outcome: CallOutcome): string {
  const { content } = outcome.kind === 'result' ? outcome.result : outcome.notice;
  return content.map((block) => (block.type === 'text' ? block.text : block.type)).join('\n');
}

describe('the list of mode `list`', () => {
  it('has all published tools, by name', async () => {
    const { view } = await watched(listingOf('zeta', 'alpha'));
    expect(namesOf(view)).toEqual(['alpha', 'zeta']);
    expect(view.tools.current()?.tools).toEqual(view.registry.current()?.tools);
  });

  it('has the tools for calls that were handed off in their place', async () => {
    const { view } = await watched(listingOf('zeta', 'alpha'), { config: HAND_OFF });
    expect(namesOf(view)).toEqual(['alpha', 'cancel_call', 'get_call_result', 'zeta']);
  });

  it('shows a tool of the bridge in place of a published one of that name, and warns once', async () => {
    const logger = recordingLogger();
    const { view } = await watched(listingOf('cancel_call', 'zeta'), { config: HAND_OFF, logger });
    expect(namesOf(view)).toEqual(['cancel_call', 'get_call_result', 'zeta']);
    expect(view.tools.current()?.tools[0]?.title).toBe('Cancel a call');
    view.update(listingOf('cancel_call', 'zulu'));
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { tool: 'cancel_call' } }]);
  });
});

describe('a tool without credentials in Dify', () => {
  const post = provider('acme/post/post', [tool('send', [parameter('to', { required: true })])]);
  const listing = (authorized: boolean): CatalogListing => ({
    providers: [{ ...post, label: { en_US: 'Post' }, authorized }, provider('fake', [tool('alpha')])],
    problems: [],
  });
  const listed = (view: View) => view.tools.current()?.tools.find(({ name }) => name.endsWith('send'));

  it('is listed in brief, and in full as soon as it has some: clients are notified', async () => {
    const { view, heard } = await watched(listing(false), { config: { unauthorized: 'brief' } });
    expect(listed(view)).toEqual({
      name: 'send',
      title: 'Label of send',
      description: 'Not usable yet: Post has no credentials in this Dify workspace.',
      inputSchema: { type: 'object', properties: {} },
      annotations: {},
    });
    expect(view.registry.current()?.get('send')?.inputSchema).toHaveProperty('properties.to');
    view.update(listing(true));
    expect(heard).toHaveLength(1);
    expect(listed(view)).toBe(view.registry.current()?.get('send'));
    expect(listed(view)?.inputSchema).toHaveProperty('properties.to');
  });

  it('is listed in full or not at all if the operator says so', async () => {
    const { view } = await watched(listing(false), { config: { unauthorized: 'publish' } });
    expect(listed(view)?.inputSchema).toHaveProperty('properties.to');
    view.update(undefined, changed(view, { unauthorized: 'hide' }));
    expect(listed(view)).toBeUndefined();
  });

  it('takes as much of the size on which `auto` decides as of the list', async () => {
    const config = { unauthorized: 'brief', mode: 'auto', auto: { tools: 80, tokens: 100 } } as const;
    const { view } = await watched(listing(false), { config });
    expect(view.mode).toBe('list');
    const full = await watched(listing(false), { config: { ...config, unauthorized: 'publish' } });
    expect(full.view.mode).toBe('search');
  });
});

describe('the list of mode `search`', () => {
  it('has three tools', async () => {
    const { view } = await watched(listingOf('alpha'), { config: SEARCH });
    expect(namesOf(view)).toEqual(['call_tool', 'describe_tool', 'search_tools']);
  });

  it('has two tools to call where some are declared as only reading', async () => {
    const { view } = await watched(listingOf('alpha', 'read_all'), { config: { ...SEARCH, ...READ_ONLY } });
    expect(namesOf(view)).toEqual(['call_read_tool', 'call_write_tool', 'describe_tool', 'search_tools']);
    const hints = view.tools.current()?.tools.map(({ annotations }) => annotations['readOnlyHint']);
    expect(hints).toEqual([true, undefined, true, true]);
  });

  it('has the pinned tools between them, as they are', async () => {
    const config = { ...SEARCH, pinned: ['a*', { provider: 'other' }] };
    const { providers } = listingOf('alpha', 'beta');
    const other = provider('other', [tool('gamma')]);
    const { view } = await watched({ providers: [...providers, other], problems: [] }, { config });
    expect(namesOf(view)).toEqual(['alpha', 'call_tool', 'describe_tool', 'gamma', 'search_tools']);
    expect(view.tools.current()?.tools[0]).toBe(view.registry.current()?.get('alpha'));
  });

  it('has no published tool with the name of a search tool, even if it is pinned, and warns', async () => {
    const logger = recordingLogger();
    const config = { ...SEARCH, pinned: ['*'] };
    const { view } = await watched(listingOf('search_tools'), { config, logger });
    expect(namesOf(view)).toEqual(['call_tool', 'describe_tool', 'search_tools']);
    expect(view.tools.current()?.tools[2]?.title).toBe('Search tools');
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { tool: 'search_tools' } }]);
  });
});

describe('another listing', () => {
  it('is reported to clients that see a difference, once', async () => {
    const { view, heard } = await watched(listingOf('alpha'), { config: HAND_OFF });
    view.update(listingOf('beta'));
    expect(heard).toEqual([['beta', 'cancel_call', 'get_call_result']]);
    view.update(listingOf('beta'));
    expect(heard).toHaveLength(1);
  });

  it('with the same providers changes nothing', async () => {
    const listing = listingOf('alpha');
    const { view } = await watched(listing);
    const registry = view.registry.current();
    view.update({ ...listing, problems: [{ providerType: 'mcp', message: 'Down.' }] });
    expect(view.registry.current()).toBe(registry);
  });

  it('is no change in mode `search` where other tools come and go', async () => {
    const config = { ...SEARCH, pinned: ['alpha'] };
    const { view, heard } = await watched(listingOf('alpha', 'beta'), { config });
    const before = view.tools.current();
    view.update(listingOf('alpha', 'gamma'));
    expect(heard).toEqual([]);
    // The very same list, so that pages built from it stay valid.
    expect(view.tools.current()).toBe(before);
    expect(textOf(await view.callTool('search_tools', { query: 'gamma' }, { signal }))).toContain(
      '1 tool for "gamma"',
    );
    view.update(listingOf('gamma'));
    expect(heard).toEqual([['call_tool', 'describe_tool', 'search_tools']]);
  });

  it('is a change in mode `search` where the tools become split', async () => {
    const { view, heard } = await watched(listingOf('alpha'), { config: { ...SEARCH, ...READ_ONLY } });
    view.update(listingOf('alpha', 'read_all'));
    expect(heard.at(-1)).toContain('call_read_tool');
    view.update(listingOf('alpha', 'read_all', 'read_one'));
    expect(heard).toHaveLength(1);
    view.update(listingOf('alpha'));
    expect(heard.at(-1)).toContain('call_tool');
  });

  it('that nothing can be made of leaves what is served, and the log says so', async () => {
    const logger = recordingLogger();
    const view = await testView({ logger });
    const waiting = errorOf(view.registry.ready());
    const broken = { providers: [{}], problems: [] } as unknown as CatalogListing;
    view.update(broken);
    expect((await waiting).code).toBe('catalog_unavailable');
    view.update(listingOf('alpha'));
    view.update(broken);
    expect(namesOf(view)).toEqual(['alpha']);
    expect(logger.lines.map(({ level }) => level)).toEqual(['error', 'error']);
  });
});

describe('other settings', () => {
  it('are reported once together with another listing, and not at all where clients see no difference', async () => {
    const { view, heard } = await watched(listingOf('alpha', 'beta'), { config: HAND_OFF });
    view.update(
      listingOf('alpha', 'gamma'),
      changed(view, { deny: ['alpha'], handOff: { after: 'off', withProgress: false } }),
    );
    expect(heard).toEqual([['gamma']]);
    view.update(undefined, changed(view, { maxTextChars: 5 }));
    expect(heard).toHaveLength(1);
    expect(view.config.maxTextChars).toBe(5);
  });

  it('change the mode', async () => {
    const { view, heard } = await watched(listingOf('alpha'));
    view.update(undefined, changed(view, SEARCH));
    expect(heard).toEqual([['call_tool', 'describe_tool', 'search_tools']]);
    expect(view.instructions).toContain('Find a tool with search_tools');
    view.update(undefined, changed(view, { mode: 'list' }));
    expect(heard.at(-1)).toEqual(['alpha']);
    expect(view.instructions).not.toContain('search_tools');
  });

  it('change what is pinned', async () => {
    const { view, heard } = await watched(listingOf('alpha'), { config: SEARCH });
    view.update(undefined, changed(view, { pinned: ['alpha'] }));
    expect(heard).toEqual([['alpha', 'call_tool', 'describe_tool', 'search_tools']]);
  });

  it('before there is a listing are those of the first one', async () => {
    const view = await testView();
    view.update(undefined, changed(view, { deny: ['alpha'] }));
    expect(namesOf(view)).toBeUndefined();
    view.update(listingOf('alpha', 'beta'));
    expect(namesOf(view)).toEqual(['beta']);
  });
});

describe('mode `auto`', () => {
  const config = { mode: 'auto', auto: { tools: 2, tokens: 1_000_000 } } as const;

  it.each([
    [['a', 'b'], 'list'],
    [['a', 'b', 'c'], 'search'],
  ] as const)('for the tools %j is %s, and stays so', async (names, mode) => {
    const logger = recordingLogger();
    const view = await testView({ config, logger });
    expect(view.mode).toBe('list');
    view.update(listingOf(...names));
    expect(view.mode).toBe(mode);
    view.update(listingOf('a'));
    view.update(undefined, changed(view, { mode: 'list' }));
    view.update(listingOf('a', 'b', 'c', 'd'), changed(view, config));
    expect(view.mode).toBe(mode);
    const decision = { view: 'default', mode, tools: names.length, maxTools: 2 };
    expect(logger.lines).toMatchObject([{ level: 'info', fields: decision }]);
  });

  it('goes by tokens as well', async () => {
    const view = await testView({ config: { ...config, auto: { tools: 100, tokens: 10 } } });
    view.update(listingOf('a'));
    expect(view.mode).toBe('search');
  });
});

describe('a call', () => {
  it('reaches Dify with checked arguments, also by an unlisted name and through call_tool', async () => {
    const { caller, arrived } = echoCaller();
    const count = tool('count', [parameter('to', { type: 'number' })]);
    const view = await testView({ config: SEARCH, caller });
    view.update({ providers: [provider('fake', [count])], problems: [] });
    expect(textOf(await view.callTool('count', { to: '5' }, { signal }))).toBe('{"to":5}');
    const args = { name: 'count', arguments: { to: 6 } };
    expect(textOf(await view.callTool('call_tool', args, { signal }))).toBe('{"to":6}');
    expect(arrived).toEqual([
      { tool: 'count', parameters: { to: 5 } },
      { tool: 'count', parameters: { to: 6 } },
    ]);
  });

  it.each(['plain', 'task'] as const)(
    'with wrong arguments is refused before it is a task, whatever its key was used for (%s)',
    async (waiting) => {
      const { caller, arrived } = echoCaller();
      const view = await testView({ config: HAND_OFF, caller });
      view.update(listingOf('alpha'));
      const failed: string[] = [];
      const observer = { failed: ({ code }: { code: string }) => void failed.push(code) };
      const context = { signal, waiting, observer, idempotencyKey: 'order-1' };
      await view.callTool('alpha', {}, context);
      const outcome = await view.callTool('alpha', 'wrong', context);
      expect(outcome).toMatchObject({ kind: 'result', result: { isError: true } });
      expect(textOf(outcome)).toMatch(/^The arguments do not fit the tool alpha: one problem\./);
      expect(failed).toEqual(['invalid_arguments']);
      expect(arrived).toHaveLength(1);
    },
  );

  it('waits for the first listing', async () => {
    const view = await testView();
    const call = view.callTool('alpha', {}, { signal });
    view.update(listingOf('alpha'));
    expect(textOf(await call)).toBe('{}');
  });

  it('of an unknown name is an error with similar names, in mode `search` with the way to find others', async () => {
    const { view } = await watched(listingOf('alpha'));
    expect(await errorOf(view.callTool('alfa', {}, { signal }))).toMatchObject({
      code: 'tool_not_found',
      hint: 'Similar names: alpha. tools/list returns the names of all tools.',
    });
    view.update(undefined, changed(view, SEARCH));
    expect((await errorOf(view.callTool('alfa', {}, { signal }))).hint).toContain('search_tools finds tools');
  });

  it('by an earlier name is answered with the current name of the tool', async () => {
    const { view } = await watched(listingOf('alpha'));
    view.update(undefined, changed(view, { names: 'qualified' }));
    expect(await errorOf(view.callTool('alpha', {}, { signal }))).toMatchObject({
      message: 'The tool alpha is now called fake__alpha.',
    });
  });

  it('of a search tool is a call of the bridge in mode `search` alone', async () => {
    const { view } = await watched(listingOf('search_tools'));
    expect(textOf(await view.callTool('search_tools', {}, { signal }))).toBe('{}');
    view.update(undefined, changed(view, SEARCH));
    const outcome = await view.callTool('search_tools', { query: '' }, { signal });
    expect(textOf(outcome)).toContain('1 tool:\nsearch_tools');
  });

  it('for the result of another needs no listing', async () => {
    const view = await testView({ config: HAND_OFF });
    const outcome = await view.callTool('get_call_result', { call_id: 'call_x' }, { signal });
    expect(textOf(outcome)).toMatch(/^Unknown call ID "call_x"\./);
  });
});
