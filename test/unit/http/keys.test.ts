import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokenCheck } from '../../../src/http/admission.ts';
import { type ApiKey, formatKeys, keyHash, newKey, parseKeys } from '../../../src/http/key-file.ts';
import { Keys } from '../../../src/http/keys.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { Secrets } from '../../../src/model/secrets.ts';
import { recordingLogger } from '../../support/recording-logger.ts';

const folder = mkdtempSync(join(tmpdir(), 'bridge-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => join(folder, `keys-${(files += 1)}.json`);

function entry(name: string, key: string, more: Partial<ApiKey> = {}): ApiKey {
  return { name, sha256: keyHash(key), views: ['support'], created: new Date(), ...more };
}

function write(path: string, ...keys: readonly ApiKey[]): void {
  writeFileSync(path, formatKeys(keys), { mode: 0o600 });
}

const open = (path: string, logger = silentLogger): Keys => new Keys(path, { required: true, logger });
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const UNAUTHORIZED = expect.objectContaining({
  code: 'unauthorized',
  message: 'The request carries no valid API key or bearer token.',
});

describe('a key', () => {
  it('has 256 random bits after a prefix by which the log recognises it', () => {
    const [first, second] = [newKey(), newKey()];
    expect(first).toMatch(/^difymcp_[\w-]{43}$/);
    expect(first).not.toBe(second);
    expect(new Secrets().mask(`key ${first}, "${second}"`)).toBe(
      'key difymcp_[redacted], "difymcp_[redacted]"',
    );
  });

  it('names the caller and its views; the token still opens all of them', async () => {
    const [path, key] = [newPath(), newKey()];
    write(path, entry('agent', key), entry('other', newKey()));
    const check = createTokenCheck('fake-token', open(path));
    expect(check(bearer(key))).toEqual({ principal: 'key:agent', views: ['support'] });
    expect((await check(bearer('fake-token'))).views).toBeUndefined();
    expect(() => check(bearer(newKey()))).toThrow(UNAUTHORIZED);
    expect(() => check({})).toThrow(UNAUTHORIZED);
  });

  it('that has expired is refused like a wrong one, and only the log says why, once', () => {
    const [path, key, logger] = [newPath(), newKey(), recordingLogger()];
    write(path, entry('agent', key, { expires: new Date(Date.now() - 1) }));
    const check = createTokenCheck(undefined, open(path, logger));
    expect(() => check(bearer(key))).toThrow(UNAUTHORIZED);
    expect(() => check(bearer(key))).toThrow(UNAUTHORIZED);
    expect(logger.lines).toEqual([
      { level: 'warn', message: 'A key was refused because it has expired', fields: { key: 'agent' } },
    ]);
  });
});

describe('the file of keys', () => {
  it('is read again at the next request after a change', async () => {
    const [path, first, second] = [newPath(), newKey(), newKey()];
    write(path, entry('first', first));
    const keys = open(path);
    const ended: unknown[] = [];
    keys.onEnd((key) => ended.push(key?.name));
    const check = createTokenCheck(undefined, keys);
    write(path, entry('first', first), entry('second', second));
    expect((await check(bearer(second))).principal).toBe('key:second');
    expect(ended).toEqual([]);
    write(path, entry('first', first, { views: ['other'] }));
    expect((await check(bearer(first))).views).toEqual(['other']);
    expect(() => check(bearer(second))).toThrow(UNAUTHORIZED);
    expect(ended).toEqual(['first', 'second']);
  });

  it('closes a bridge that was open when it appears, and does not open it when it is empty or gone', () => {
    const path = newPath();
    const logger = recordingLogger();
    const keys = new Keys(path, { required: false, logger });
    const ended: unknown[] = [];
    keys.onEnd((key) => ended.push(key));
    const check = createTokenCheck(undefined, keys);
    expect(check({})).toEqual({ principal: 'anonymous' });
    write(path);
    expect(() => check({})).toThrow(UNAUTHORIZED);
    expect(ended).toEqual([undefined]);
    rmSync(path);
    expect(() => check({})).toThrow(UNAUTHORIZED);
  });

  it('that breaks or disappears leaves the keys as they were, and is logged once for each change', async () => {
    const [path, key, logger] = [newPath(), newKey(), recordingLogger()];
    write(path, entry('agent', key));
    const check = createTokenCheck(undefined, open(path, logger));
    const breaks = [() => writeFileSync(path, '{'), () => chmodSync(path, 0o622), () => rmSync(path)];
    for (const [index, breakIt] of breaks.entries()) {
      breakIt();
      expect((await check(bearer(key))).principal).toBe('key:agent');
      expect((await check(bearer(key))).principal).toBe('key:agent');
      expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(index + 1);
    }
    write(path);
    expect(() => check(bearer(key))).toThrow(UNAUTHORIZED);
  });

  it.each([
    ['', /not JSON/],
    ['[]', /no list of keys/],
    ['{"form":2,"keys":[]}', /newer version/],
    ['{"form":1,"keys":[{}]}', /key 1 is wrong/],
    [formatKeys([entry('a', 'x', { views: [] })]), /key 1 is wrong/],
    [formatKeys([entry('a', 'x'), entry('a', 'y')]), /two keys called a/],
    [formatKeys([entry('a', 'x')]).replace(/"created": "[^"]+"/, '$&, "expires": "soon"'), /key 1 is wrong/],
  ])('is refused when it holds %j', (text, message) => {
    const error = expect.objectContaining({
      code: 'keys_file_invalid',
      message: expect.stringMatching(message),
    });
    expect(() => parseKeys(text, 'keys.json')).toThrow(error);
  });

  it('is refused at the start if others can write it, and if it is named but not there', () => {
    const path = newPath();
    const error = (message: RegExp) =>
      expect.objectContaining({ code: 'keys_file_invalid', message: expect.stringMatching(message) });
    expect(() => open(path)).toThrow(error(/does not exist/));
    write(path);
    chmodSync(path, 0o660);
    expect(() => open(path)).toThrow(error(/Others can change the keys .* \(mode 660\)/));
    // As Kubernetes mounts a secret.
    chmodSync(path, 0o440);
    expect(open(path).required).toBe(true);
  });
});
