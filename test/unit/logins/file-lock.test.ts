import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withFileLock } from '../../../src/logins/file-lock.ts';
import { loginsPath } from '../../support/logins.ts';

const ENDED = spawnSync(process.execPath, ['-e', '']).pid;
const owned = (owner: object): string => JSON.stringify({ pid: process.pid, host: hostname(), ...owner });

describe('the lock of a file', () => {
  it('lets one action run at a time, and goes', async () => {
    const path = loginsPath();
    let inside = 0;
    const most: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withFileLock(path, async () => {
          inside += 1;
          most.push(inside);
          await new Promise((done) => setImmediate(done));
          inside -= 1;
        }),
      ),
    );
    expect(most).toEqual(Array.from({ length: 8 }, () => 1));
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it('goes if the action fails', async () => {
    const path = loginsPath();
    await expect(withFileLock(path, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  it.for([
    ['a process that has ended', owned({ pid: ENDED }), 0],
    ['a process of another machine, a minute ago', owned({ host: 'elsewhere', pid: ENDED }), 61],
    ['a process that stopped while it wrote it, a minute ago', '', 61],
    ['a process that hangs, for a minute', owned({}), 61],
  ] as const)('is taken over from %s', async ([, text, age]) => {
    const path = loginsPath();
    writeFileSync(`${path}.lock`, text);
    const then = Date.now() / 1000 - age;
    utimesSync(`${path}.lock`, then, then);
    expect(await withFileLock(path, async () => readFileSync(`${path}.lock`, 'utf8'))).not.toBe(text);
    expect(readdirSync(dirname(path))).toEqual([]);
  });

  it.for([
    ['a running process', owned({})],
    ['a process of another machine', owned({ host: 'elsewhere', pid: ENDED })],
    ['a process that is writing it', ''],
  ] as const)('is awaited while it is that of %s', async ([, text]) => {
    const path = loginsPath();
    writeFileSync(`${path}.lock`, text);
    let hasRun = false;
    const waiting = withFileLock(path, async () => {
      hasRun = true;
    });
    // Other locks in the same folder come and go meanwhile.
    for (let turn = 0; turn < 20; turn += 1) await withFileLock(`${path}${turn}`, async () => undefined);
    expect(hasRun).toBe(false);
    expect(readFileSync(`${path}.lock`, 'utf8')).toBe(text);
    rmSync(`${path}.lock`);
    await waiting;
    expect(hasRun).toBe(true);
  });

  it('fails if it cannot be made', async () => {
    await expect(withFileLock(loginsPath('x'.repeat(253)), async () => 1)).rejects.toThrow('ENAMETOOLONG');
  });
});
