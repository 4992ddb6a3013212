import {
  chmodSync,
  lstatSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deleteLogin, loginsFile, readLogins, storeLogin } from '../../../src/logins/login-file.ts';
import { errorOf } from '../../support/error-of.ts';
import { loginsPath, someLogin } from '../../support/logins.ts';

const cookies = {
  kind: 'cookies',
  cookies: new Map([
    ['__Host-access_token', 'fake-access'],
    ['__Host-refresh_token', 'fake-refresh'],
    ['__Host-csrf_token', 'fake-csrf'],
  ]),
  expiresAt: 1_800_000_000_000,
} as const;

describe('the file of stored logins', () => {
  it('is next to the configuration file', () => {
    expect(loginsFile('/home/a/.config/dify-mcp-bridge/config.yaml')).toBe(
      '/home/a/.config/dify-mcp-bridge/logins.json',
    );
  });

  it('has nothing before the first login', async () => {
    expect(await readLogins(loginsPath())).toEqual([]);
  });

  it('keeps several Difys, accounts and workspaces, the latest first', async () => {
    const path = loginsPath();
    const first = someLogin();
    const others = [
      someLogin({ url: 'https://other.test', tokens: cookies }),
      someLogin({ email: 'b@dify.test' }),
      someLogin({ workspaceId: '3f2a6c1e-0000-4000-8000-5b9d2c7e1f05' }),
    ];
    for (const login of [first, ...others]) await storeLogin(path, login);
    expect(await readLogins(path)).toEqual([...others.toReversed(), first]);

    const again = someLogin({ email: 'A@dify.test', workspaceName: 'Renamed' });
    await storeLogin(path, again);
    expect((await readLogins(path)).map(({ workspaceName }) => workspaceName)).toEqual([
      'Renamed',
      'Garden',
      'Garden',
      'Garden',
    ]);
    await deleteLogin(path, again);
    expect(await readLogins(path)).toHaveLength(3);
  });

  it('is readable by its owner only, in a folder made for it', async () => {
    const path = join(dirname(loginsPath()), 'made', 'logins.json');
    await storeLogin(path, someLogin());
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it('stays where a link leads', async () => {
    const path = loginsPath();
    await storeLogin(path, someLogin());
    const elsewhere = join(dirname(loginsPath()), 'real.json');
    renameSync(path, elsewhere);
    symlinkSync(elsewhere, path);
    await storeLogin(path, someLogin({ email: 'b@dify.test' }));
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(await readLogins(elsewhere)).toHaveLength(2);
  });

  it.skipIf(process.platform === 'win32').for([0o640, 0o604, 0o666])(
    'is refused if others can read it (mode %o)',
    async (mode) => {
      const path = loginsPath();
      await storeLogin(path, someLogin());
      chmodSync(path, mode);
      const error = await errorOf(readLogins(path));
      expect(error).toMatchObject({ code: 'login_file_invalid', hint: expect.stringContaining('chmod 600') });
      expect(error.toText()).not.toContain('fake-access-1');
    },
  );

  it.for([
    ['no JSON', '{"form": 1,', /damaged/],
    ['no object', '[]', /damaged/],
    ['another form', '{"logins": []}', /damaged/],
    ['no list', '{"form": 1, "logins": {}}', /damaged/],
    ['a login without tokens', '{"form": 1, "logins": [{"url": "https://dify.test"}]}', /damaged/],
    ['a newer form', '{"form": 2, "logins": "other"}', /newer version/],
  ] as const)('is refused and left as it is if it has %s', async ([, text, message]) => {
    const path = loginsPath();
    writeFileSync(path, text, { mode: 0o600 });
    for (const attempt of [() => readLogins(path), () => storeLogin(path, someLogin())]) {
      expect(await errorOf(attempt())).toMatchObject({
        code: 'login_file_invalid',
        message: expect.stringMatching(message),
        hint: expect.stringMatching(/login again|Update/),
      });
    }
    expect(readFileSync(path, 'utf8')).toBe(text);
  });

  it.for([
    ['url', 1],
    ['email', ''],
    ['signedInAt', 'yesterday'],
    ['tokens', { kind: 'cookies', cookies: { access_token: 7 } }],
    ['tokens', { kind: 'bearer' }],
  ] as const)('is refused if %s has another type', async ([name, value]) => {
    const path = loginsPath();
    await storeLogin(path, someLogin());
    const content = JSON.parse(readFileSync(path, 'utf8')) as { logins: Record<string, unknown>[] };
    Object.assign(content.logins[0] ?? {}, { [name]: value });
    writeFileSync(path, JSON.stringify(content));
    expect(await errorOf(readLogins(path))).toMatchObject({ message: expect.stringContaining('damaged') });
  });

  it('cannot be stored where the disk cannot be written', async () => {
    // The name of the lock, then that of the new content, is longer than file systems allow.
    for (const length of [253, 240]) {
      const error = await errorOf(storeLogin(loginsPath('x'.repeat(length)), someLogin()));
      expect(error).toMatchObject({
        code: 'login_file_invalid',
        message: expect.stringContaining('cannot be written (ENAMETOOLONG)'),
      });
    }
  });
});
