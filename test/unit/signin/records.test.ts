import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileRecords } from '../../../src/signin/file-records.ts';
import { SealedRecords } from '../../../src/signin/records.ts';
import { SignInKeys } from '../../../src/signin/sealing.ts';

afterEach(() => void vi.useRealTimers());

const path = (): string => join(mkdtempSync(join(tmpdir(), 'bridge-records-')), 'below', 'records.json');
const keys = new SignInKeys('a fake key of the tests');

describe('records in a file', () => {
  it('are there after a restart, and gone after their time', async () => {
    const file = path();
    const records = new SealedRecords(await FileRecords.open(file), keys);
    await records.put('Login', 'ada', { secret: 'fake' }, 60);
    await records.put('Client', 'ada', { name: 'c' }, 10);
    const again = new SealedRecords(await FileRecords.open(file), keys);
    expect(await again.find('Login', 'ada')).toEqual({ secret: 'fake' });
    expect(await again.find('Client', 'ada')).toEqual({ name: 'c' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20_000 });
    expect(await again.find('Client', 'ada')).toBeUndefined();
    await again.remove('Login', 'ada');
    expect(Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { records: object }).records)).toEqual([]);
  });

  it('say nothing without the key, and nothing under another name', async () => {
    const file = path();
    const records = new SealedRecords(await FileRecords.open(file), keys);
    await records.put('Login', 'ada', { secret: 'fake' }, 60);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toMatch(/ada|Login|secret|fake/);
    const other = new SealedRecords(await FileRecords.open(file), new SignInKeys('another key'));
    expect(await other.find('Login', 'ada')).toBeUndefined();
    // A record that somebody copies over another one is not that other one.
    await records.put('Login', 'bob', { secret: 'of bob' }, 60);
    const content = JSON.parse(readFileSync(file, 'utf8')) as { records: Record<string, unknown> };
    const [ada, bob] = ['ada', 'bob'].map((name) => keys.nameOf('Login', name));
    content.records[ada ?? ''] = content.records[bob ?? ''];
    writeFileSync(file, JSON.stringify(content));
    const changed = new SealedRecords(await FileRecords.open(file), keys);
    expect(await changed.find('Login', 'ada')).toBeUndefined();
    expect(await changed.find('Login', 'bob')).toEqual({ secret: 'of bob' });
  });

  it('are claimed by one of those that come at once, and locked for one after the other', async () => {
    const records = new SealedRecords(await FileRecords.open(path()), keys);
    const claims = await Promise.all([1, 2, 3].map(() => records.claim('used', 'token', 60)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    const order: string[] = [];
    await Promise.all(
      ['a', 'b'].map((name) =>
        records.locked('Login', 'ada', async () => {
          order.push(`${name} in`);
          await records.put('Login', 'ada', { name }, 60);
          order.push(`${name} out`);
        }),
      ),
    );
    expect(order.map((step) => step.slice(2))).toEqual(['in', 'out', 'in', 'out']);
  });

  it('make room by dropping what would expire first', async () => {
    const backend = await FileRecords.open(path());
    await backend.set('login', 'kept', 30_000_000);
    await Promise.all(
      Array.from({ length: 10_000 }, (_, index) => backend.set(`started ${index}`, 'x', 60_000 + index)),
    );
    expect(await backend.get('login')).toBe('kept');
    expect(await backend.get('started 0')).toBeUndefined();
    expect(await backend.get('started 9999')).toBe('x');
  });

  it.each(['', '{"form":2,"records":{}}', '[]'])('are refused if the file is damaged: %j', async (text) => {
    const file = join(mkdtempSync(join(tmpdir(), 'bridge-records-')), 'records.json');
    writeFileSync(file, text);
    await expect(FileRecords.open(file)).rejects.toMatchObject({ code: 'login_file_invalid' });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('are refused where no folder can be made', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bridge-records-')), 'file');
    writeFileSync(file, '');
    const opened = FileRecords.open(join(file, 'records.json'));
    await expect(opened).rejects.toMatchObject({ code: 'login_file_invalid' });
  });
});
