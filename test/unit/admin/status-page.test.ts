import { describe, expect, it } from 'vitest';
import { since } from '../../../src/admin/page.ts';
import { statusPage } from '../../../src/admin/status-page.ts';
import type { BridgeStatus, WorkspaceStatus } from '../../../src/model/status.ts';

const EVIL = `<script>alert("1")</script>'&`;
const now = new Date();

function workspace(name: string): WorkspaceStatus {
  const tool = {
    name: EVIL,
    title: EVIL,
    description: EVIL,
    inputSchema: { type: 'object', description: EVIL },
    outputSchema: { title: EVIL },
    annotations: { title: EVIL },
  };
  const ref = { providerType: 'builtin', providerId: EVIL, tool: EVIL } as const;
  const problem = { providerType: 'builtin', message: EVIL } as const;
  return {
    name,
    road: 'account',
    host: EVIL,
    catalog: {
      listing: { providers: [], problems: [problem, { ...problem, message: `other ${EVIL}` }] },
      loadedAt: now,
      lastError: EVIL,
      stale: [{ providerType: 'builtin', providerId: EVIL, since: now, message: EVIL }],
    },
    views: [
      {
        name: EVIL,
        url: EVIL,
        mode: 'search',
        tools: [{ tool, ref, providerLabel: EVIL, authorized: false, bytes: 1200, tokens: 300 }],
        withheld: [{ name: EVIL, title: EVIL, ref, reason: 'hidden', detail: EVIL }],
        shown: { tools: 3, bytes: 1, tokens: 1 },
      },
    ],
  };
}

const call = { workspace: EVIL, view: EVIL, principal: EVIL, tool: EVIL, client: EVIL, startedAt: now };
const status: BridgeStatus = {
  version: EVIL,
  startedAt: now,
  health: EVIL,
  workspaces: [workspace('first'), workspace(EVIL)],
  running: [call],
  ended: [{ ...call, end: { outcome: 'ok', durationMs: 12, messages: 1, bytes: 2048 } }],
  breakers: [{ provider: EVIL, state: 'open', until: new Date(now.getTime() + 60_000) }],
  clients: [{ title: EVIL, text: EVIL, afterwards: EVIL }],
};
const [evil] = [encodeURIComponent(EVIL)];

describe('the status page', () => {
  it.each(['/', `/views/${evil}/${evil}`, `/views/${evil}/${evil}/${evil}`])(
    'escapes every text (%s)',
    (path) => {
      const { body = '', policy } = statusPage(path, status) ?? {};
      expect(body).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;');
      expect(body).not.toContain('<script');
      expect(body).not.toMatch(/ (href|class|data-name|datetime|title)="[^"]*<|undefined|\[object/);
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/]+=*'; base-uri 'none'/);
    },
  );

  it('names the workspace of a call only if there are several', () => {
    const page = (workspaces: readonly WorkspaceStatus[]): string =>
      statusPage('/', { ...status, workspaces, ended: [{ ...call, workspace: 'first', view: 'support' }] })
        ?.body ?? '';
    expect(page([workspace('first')])).toContain('>support</td>');
    expect(page([workspace('first'), workspace('second')])).toContain('>first / support</td>');
  });

  it('lists the breakers that are not closed, and each problem once', () => {
    const { body = '' } = statusPage('/', { ...status, workspaces: [workspace('first')] }) ?? {};
    expect(body).toMatch(/<span class="bad">open<\/span>.*in (60|59|1) /s);
    expect(body.match(/<li>/g)).toHaveLength(2);
    const closed = { provider: 'acme', state: 'closed' } as const;
    expect(statusPage('/', { ...status, breakers: [closed] })?.body).toContain('All are closed.');
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1500, '2 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_200_000, '2 h'],
    [259_200_000, '3 d'],
  ])('writes %i ms as %s', (ms, text) => expect(since(ms)).toBe(text));
});
