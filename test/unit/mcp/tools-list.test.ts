import * as fc from '../../support/fast-check.ts';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from '../../../src/mcp/cursor.ts';
import { ToolPages } from '../../../src/mcp/tools-list.ts';
import { fakeRegistry } from '../../support/fake-bridge.ts';

const names = (page: { readonly tools: readonly { readonly name: string }[] }): string[] =>
  page.tools.map(({ name }) => name);

describe('cursor', () => {
  it('comes back as the name it was made of', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), (name) => {
        const cursor = encodeCursor(name);
        expect(decodeCursor(cursor)).toBe(name);
      }),
    );
  });

  it('may be empty, which is the beginning', () => {
    expect(decodeCursor('')).toBe('');
  });

  it.each([
    ['a name', 'echo'],
    ['a number', '2'],
    ['other Base64', Buffer.from('before:echo').toString('base64url')],
    ['a cursor without a name', Buffer.from('after:').toString('base64url')],
    ['padded Base64', `${encodeCursor('ab')}==`],
    ['a cursor with more behind it', `${encodeCursor('echo')}!`],
    ['spaces', '   '],
  ])('is refused if it is %s', (_, cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(
      expect.objectContaining({ code: 'invalid_cursor', hint: expect.stringContaining('first page') }),
    );
  });
});

describe('pages of tools/list', () => {
  it('are one page with every tool unless a size is set', () => {
    const registry = fakeRegistry(['b', 'a', 'c']);
    const page = new ToolPages().page(registry, undefined);
    expect(names(page)).toEqual(['a', 'b', 'c']);
    expect('nextCursor' in page).toBe(false);
  });

  it('carry what clients need and nothing that belongs to the bridge', () => {
    const [plain, withOutput] = fakeRegistry(['a', 'b']).tools;
    const outputSchema = { type: 'object', properties: {} };
    const tools = [plain, { ...withOutput, outputSchema }] as NonNullable<typeof plain>[];
    const page = new ToolPages().page({ ...fakeRegistry([]), tools }, undefined);
    const keys = ['annotations', 'description', 'inputSchema', 'name', 'title'];
    expect(page.tools.map((tool) => Object.keys(tool).toSorted())).toEqual([
      keys,
      [...keys, 'outputSchema'].toSorted(),
    ]);
  });

  it('are built once for a snapshot and frozen', () => {
    const pages = new ToolPages(2);
    const registry = fakeRegistry(['a', 'b', 'c']);
    const first = pages.page(registry, undefined);
    expect(pages.page(registry, undefined)).toBe(first);
    expect(pages.page(registry, '')).toBe(first);
    expect(pages.page(registry, first.nextCursor)).toBe(pages.page(registry, first.nextCursor));
    expect(Object.isFrozen(first) && Object.isFrozen(first.tools) && Object.isFrozen(first.tools[0])).toBe(
      true,
    );
    expect(pages.page(fakeRegistry(['a', 'b', 'c']), undefined)).not.toBe(first);
  });

  it('have no cursor after the last full page', () => {
    const pages = new ToolPages(2);
    const registry = fakeRegistry(['a', 'b', 'c', 'd']);
    const last = pages.page(registry, pages.page(registry, undefined).nextCursor);
    expect(names(last)).toEqual(['c', 'd']);
    expect(last.nextCursor).toBeUndefined();
  });

  it('go on behind the last tool that was seen when the list has changed', () => {
    const pages = new ToolPages(2);
    const { nextCursor } = pages.page(fakeRegistry(['a', 'b', 'd', 'e']), undefined);
    expect(names(pages.page(fakeRegistry(['a', 'c', 'd', 'e']), nextCursor))).toEqual(['c', 'd']);
    expect(names(pages.page(fakeRegistry(['a']), nextCursor))).toEqual([]);
  });

  it('are empty for a workspace without tools', () => {
    expect(new ToolPages(5).page(fakeRegistry([]), undefined)).toEqual({ tools: [] });
  });
});
