import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConsoleTokens } from '../../../src/dify/console/login.ts';
import { deleteLogin, readLogins, storeLogin } from '../../../src/logins/login-file.ts';
import { createLoginStore } from '../../../src/logins/login-store.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { errorOf } from '../../support/error-of.ts';
import { loginsPath, someLogin } from '../../support/logins.ts';

const key = someLogin();
const issue = (number: number): ConsoleTokens => ({
  kind: 'bearer',
  access: `fake-access-${number}`,
  refresh: `fake-refresh-${number}`,
});

/** A Dify whose refresh tokens are valid once. */
function dify() {
  let current = 1;
  const refused: ConsoleTokens[] = [];
  return {
    refused,
    refresh: async (tokens: ConsoleTokens): Promise<ConsoleTokens | undefined> => {
      await new Promise((done) => setImmediate(done));
      if (tokens.kind !== 'bearer' || tokens.refresh !== `fake-refresh-${current}`) {
        refused.push(tokens);
        return undefined;
      }
      current += 1;
      return issue(current);
    },
  };
}

async function open(name?: string) {
  const path = loginsPath(name);
  await storeLogin(path, key);
  const warnings: string[] = [];
  const store = () => createLoginStore(path, key, { warn: (message) => void warnings.push(message) });
  return { path, warnings, store };
}

describe('the tokens of a stored login', () => {
  it('are renewed once by several holders, which all get the new ones', async () => {
    const { path, store } = await open();
    const { refresh, refused } = dify();
    const all = await Promise.all(Array.from({ length: 5 }, () => store().renew(issue(1), refresh)));
    expect(all).toEqual(Array.from({ length: 5 }, () => issue(2)));
    expect(refused).toEqual([]);
    expect((await readLogins(path))[0]?.tokens).toEqual(issue(2));
    expect(readdirSync(dirname(path))).toEqual(['logins.json']);
  });

  it('leave other logins of the file alone', async () => {
    const { path, store } = await open();
    const other = someLogin({ url: 'https://other.test' });
    await storeLogin(path, other);
    await store().renew(issue(1), dify().refresh);
    expect(await readLogins(path)).toEqual([other, expect.objectContaining({ tokens: issue(2) })]);
    expect((await readLogins(path))[1]?.renewedAt.getTime()).toBeGreaterThan(key.renewedAt.getTime());
  });

  it('that Dify refuses end in an error that names the command', async () => {
    const { path, store } = await open();
    const error = await errorOf(store().renew(issue(1), async () => undefined));
    expect(error).toMatchObject({
      code: 'login_ended',
      hint: 'Run: dify-mcp-bridge login https://dify.test',
    });
    expect(readdirSync(dirname(path))).toEqual(['logins.json']);
  });

  it('that another process renewed while Dify refused ours are used', async () => {
    const { path, store } = await open();
    const renewed = store().renew(issue(1), async () => {
      // A process that broke the rules of the lock.
      const [login] = await readLogins(path);
      rmSync(`${path}.lock`);
      await storeLogin(path, { ...(login ?? key), tokens: issue(7) });
      return undefined;
    });
    expect(await renewed).toEqual(issue(7));
  });

  it('go on after a new sign-in', async () => {
    const { path, store } = await open();
    const mine = store();
    await errorOf(mine.renew(issue(1), async () => undefined));
    await storeLogin(path, { ...key, tokens: issue(9) });
    expect(await mine.read()).toEqual(issue(9));
  });

  it('are gone after a sign-out', async () => {
    const { path, store } = await open();
    await deleteLogin(path, key);
    expect(await errorOf(store().read())).toMatchObject({ code: 'login_ended' });
  });

  it('stay as they are if Dify cannot be reached', async () => {
    const { path, store } = await open();
    const away = new BridgeError('upstream_unreachable', 'Dify is away.');
    expect(await errorOf(store().renew(issue(1), () => Promise.reject(away)))).toBe(away);
    expect((await readLogins(path))[0]?.tokens).toEqual(issue(1));
    expect(readdirSync(dirname(path))).toEqual(['logins.json']);
  });

  it.for([
    ['the lock', 251],
    ['the new content', 240],
  ] as const)('are not renewed if the disk does not take %s', async ([, length]) => {
    const path = loginsPath();
    await storeLogin(path, key);
    const long = join(dirname(path), 'x'.repeat(length));
    const { copyFileSync } = await import('node:fs');
    copyFileSync(path, long);
    const store = createLoginStore(long, key, undefined);
    let asked = 0;
    const error = await errorOf(
      store.renew(issue(1), async () => {
        asked += 1;
        return issue(2);
      }),
    );
    expect(error).toMatchObject({ code: 'login_file_invalid' });
    expect(asked).toBe(0);
  });

  it('stay in memory, with a warning, if the disk fails after Dify replaced them', async () => {
    const { path, warnings, store } = await open();
    const mine = store();
    const { refresh, refused } = dify();
    const failing = async (tokens: ConsoleTokens): Promise<ConsoleTokens | undefined> => {
      const [temporary = ''] = readdirSync(dirname(path)).filter((name) => name.endsWith('.tmp'));
      rmSync(join(dirname(path), temporary));
      return refresh(tokens);
    };
    expect(await mine.renew(issue(1), failing)).toEqual(issue(2));
    expect(warnings).toEqual(['The renewed login is lost when the bridge stops']);
    expect((await readLogins(path))[0]?.tokens).toEqual(issue(1));
    expect(await mine.read()).toEqual(issue(2));
    // The next renewal uses the tokens in memory, and saves what it gets.
    expect(await mine.renew(issue(2), refresh)).toEqual(issue(3));
    expect((await readLogins(path))[0]?.tokens).toEqual(issue(3));
    expect(refused).toEqual([]);
  });
});
