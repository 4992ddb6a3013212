import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredLogin } from '../../src/logins/stored-login.ts';

/** Returns the path of a file of logins in a folder of its own. */
export function loginsPath(name = 'logins.json'): string {
  return join(mkdtempSync(join(tmpdir(), 'bridge-logins-')), name);
}

/** A login of an old Dify, whose tokens are short. */
export function someLogin(changes: Partial<StoredLogin> = {}): StoredLogin {
  return {
    url: 'https://dify.test',
    email: 'a@dify.test',
    workspaceId: '3f2a6c1e-0000-4000-8000-5b9d2c7e1f04',
    workspaceName: 'Garden',
    signedInAt: new Date('2026-11-01T08:00:00Z'),
    renewedAt: new Date('2026-11-02T08:00:00Z'),
    tokens: { kind: 'bearer', access: 'fake-access-1', refresh: 'fake-refresh-1' },
    ...changes,
  };
}
