import { describe, expect, it } from 'vitest';
import { fetchClientDocument } from '../../../src/signin/client-documents.ts';
import { isAllowedRedirect, redirectKind, redirectPlace, shownName } from '../../../src/signin/clients.ts';
import { covers } from '../../../src/signin/resource.ts';

describe('a redirect address', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'website'],
    ['http://localhost:3118/callback', 'this-device'],
    ['http://127.0.0.1/callback', 'this-device'],
    ['http://[::1]:1/callback', 'this-device'],
    ['cursor://anysphere.cursor-retrieval/oauth/callback', 'app'],
    ['http://example.com/callback', undefined],
    ['http://localhost.example.com/callback', undefined],
    ['http://127.0.0.1.example.com/callback', undefined],
    ['https://user:password@example.com/', undefined],
    ['javascript:alert(1)', undefined],
    ['JAVASCRIPT:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['HTTPS://CLAUDE.AI/callback', 'website'],
    ['https:example.com/callback', 'website'],
    ['https://example.com\\@claude.ai/callback', 'website'],
    ['http://LOCALHOST:1/callback', 'this-device'],
    ['http://127.1/callback', 'this-device'],
    ['http://0x7f000001/callback', 'this-device'],
    ['http://127.0.0.1@example.com/callback', undefined],
    ['http://[::ffff:10.0.0.1]/callback', undefined],
    ['http://0.0.0.0/callback', undefined],
    ['https://@example.com:443/callback', 'website'],
    ['mailto:mallory@example.com', undefined],
    ['sms:+15550100', undefined],
    ['intent://example.com#Intent;scheme=https;end', undefined],
    ['view-source:https://example.com', undefined],
    ['filesystem:https://example.com/x', undefined],
    ['/callback', undefined],
    ['', undefined],
  ])('%s is of the kind %s', (uri, kind) => {
    expect(redirectKind(uri)).toBe(kind);
    expect(isAllowedRedirect(uri, [])).toBe(kind !== undefined);
  });

  it('is named by what the person recognises', () => {
    expect(redirectPlace('https://claude.ai/callback?x=https://bank.example.com')).toBe('claude.ai');
    expect(redirectPlace('https://example.com\\@claude.ai/')).toBe('example.com');
    expect(redirectPlace('https://clаude.ai/')).toBe('xn--clude-5ve.ai');
    expect(redirectPlace('http://localhost:1/')).toBe('an app on this device');
    expect(redirectPlace('cursor://x')).toBe('the app that opens cursor: links');
  });
});

it('the name of a client is short, on one line and shows all of itself', () => {
  expect(shownName('Claude\n\u202eCode\u200b  ')).toBe('Claude Code');
  expect(shownName('x'.repeat(100))).toHaveLength(60);
  expect(shownName('\u200b')).toBeUndefined();
});

it.each([
  ['https://b.test', 'https://b.test/mcp', true],
  ['https://b.test/mcp', 'https://b.test/mcp', true],
  ['https://b.test/mcp', 'https://b.test/mcp/', true],
  ['https://b.test/mcp', 'https://b.test/mcp/view', true],
  ['https://b.test/mcp/view', 'https://b.test/mcp', false],
  ['https://b.test/mcp', 'https://b.test/mcpx', false],
  ['https://b.test/mcp', 'https://b.test/mcp/../other', false],
  ['https://b.test', 'http://b.test/mcp', false],
  ['https://b.test', 'https://b.test:444/mcp', false],
  ['https://b.test', 'https://b.test.example.com/mcp', false],
  ['https://b.test', 'https://b.test@example.com/mcp', false],
  ['https://b.test', 'https://b.test/mcp?x', false],
])('%s covers %s: %s', (resource, address, expected) => {
  expect(covers(resource, address)).toBe(expected);
});

it.each([
  'https://127.0.0.1/client',
  'https://[::1]/client',
  'https://10.0.0.1/c',
  'https://169.254.169.254/c',
  'https://localhost/c',
])('the description of a client is not fetched from a private network: %s', async (address) => {
  await expect(fetchClientDocument(address)).rejects.toMatchObject({ code: 'file_refused' });
});

it('the description of a client is fetched with encryption only', async () => {
  await expect(fetchClientDocument('http://example.com/c')).rejects.toThrow('https');
});
