import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { PersonalWorkspaces } from '../../../src/app/personal-workspaces.ts';
import type { Workspace } from '../../../src/app/workspace.ts';
import { type Logger, silentLogger } from '../../../src/model/logger.ts';

const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Workspaces of principals without a Dify, and what happens to them. */
function start(logger: Logger = silentLogger) {
  const events: string[] = [];
  const running = new Map<string, number>();
  const connected = new Set<string>();
  const signedOut = new Set<string>();
  const personal = new PersonalWorkspaces({
    open: async (principal) => {
      if (signedOut.has(principal)) return undefined;
      events.push(`open ${principal}`);
      return {
        views: { byName: new Map() },
        start: () => undefined,
        stop: async () => undefined,
        async close() {
          events.push(`close ${principal}`);
          if (principal === 'broken') throw new Error('It cannot be closed.');
        },
        get running() {
          return running.get(principal) ?? 0;
        },
      } as unknown as Workspace;
    },
    serve: async () => [],
    endViews: async () => undefined,
    isSignedIn: async (principal) => !signedOut.has(principal),
    isConnected: (principal) => connected.has(principal),
    idleMs: 10 * MINUTE,
    logger,
  });
  onTestFinished(() => personal.close(0));
  return { personal, events, running, connected, signedOut };
}

describe('the workspace of an account', () => {
  it('is opened once, and closed when nobody uses it', async () => {
    const { personal, events } = start();
    await Promise.all([personal.viewsOf('ada'), personal.viewsOf('ada')]);
    await vi.advanceTimersByTimeAsync(9 * MINUTE);
    await personal.viewsOf('ada');
    await vi.advanceTimersByTimeAsync(9 * MINUTE);
    expect(events).toEqual(['open ada']);
    await vi.advanceTimersByTimeAsync(3 * MINUTE);
    expect(events).toEqual(['open ada', 'close ada']);
    await personal.viewsOf('ada');
    expect(events).toEqual(['open ada', 'close ada', 'open ada']);
  });

  it('stays open while a call runs or a client listens', async () => {
    const { personal, events, running, connected } = start();
    running.set('ada', 1);
    connected.add('bob');
    await Promise.all([personal.viewsOf('ada'), personal.viewsOf('bob')]);
    await vi.advanceTimersByTimeAsync(60 * MINUTE);
    expect(events).toEqual(['open ada', 'open bob']);
    running.clear();
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(events).toEqual(['open ada', 'open bob', 'close ada']);
  });

  it('is closed when the account has signed out at another replica, and not opened again', async () => {
    const { personal, events, connected, signedOut } = start();
    connected.add('ada');
    await personal.viewsOf('ada');
    signedOut.add('ada');
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(events).toEqual(['open ada', 'close ada']);
    await expect(personal.viewsOf('ada')).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('makes room for the one of another account if it is idle, and is kept if it is not', async () => {
    const { personal, events, connected } = start();
    const all = Array.from({ length: 500 }, (_, index) => `person ${index}`);
    for (const principal of all) {
      await personal.viewsOf(principal);
      connected.add(principal);
    }
    await expect(personal.viewsOf('late')).rejects.toMatchObject({ code: 'overloaded' });
    connected.delete('person 7');
    await personal.viewsOf('late');
    expect(events.slice(500).sort()).toEqual(['close person 7', 'open late']);
  });

  it('makes room even if it cannot be closed, which is logged', async () => {
    const warnings: string[] = [];
    const { personal, connected } = start({ ...silentLogger, warn: (message) => warnings.push(message) });
    await personal.viewsOf('broken');
    for (let index = 1; index < 500; index += 1) {
      connected.add(`person ${index}`);
      await personal.viewsOf(`person ${index}`);
    }
    await personal.viewsOf('late');
    await vi.waitFor(() => expect(warnings).toEqual(['The workspace of an account could not be closed']));
  });
});
