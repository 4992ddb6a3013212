import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { type Answers, configText } from '../../../src/setup/config-text.ts';
import * as fc from '../../support/fast-check.ts';

const FILE = join(mkdtempSync(join(tmpdir(), 'bridge-setup-')), 'config.yaml');
const ID = '11111111-2222-4333-8444-555555555555';

const ANSWERS: Answers = {
  apiUrl: 'http://api:5001',
  version: '1.13.0',
  innerApiKey: 'fake-inner-key',
  credential: { kind: 'admin-key', key: 'fake-admin-key' },
  workspace: { id: ID, name: 'Kites', status: 'normal' },
  isNeedless: false,
  secretKey: 'fake-secret-key',
};

async function read(answers: Answers) {
  writeFileSync(FILE, configText(answers));
  const { config } = await loadConfig({ env: { HOME: '/nowhere' }, file: FILE, needsDify: true });
  return config.dify;
}

describe('the text of the configuration', () => {
  it('says what was answered, with a comment to each setting', async () => {
    expect(await read(ANSWERS)).toEqual({
      apiUrl: 'http://api:5001',
      innerApiKey: 'fake-inner-key',
      workspaceId: ID,
      adminApiKey: 'fake-admin-key',
      secretKey: 'fake-secret-key',
      userId: '',
    });
    const lines = configText(ANSWERS).split('\n');
    const settings = lines.filter((line) => /^ {2}\w+:/.test(line));
    expect(settings).toHaveLength(5);
    expect(configText({ ...ANSWERS, isNeedless: true, secretKey: undefined })).not.toMatch(/secret_?key/i);
    for (const setting of settings) expect(lines[lines.indexOf(setting) - 1]).toMatch(/^ {2}# \S/);
  });

  it('holds a login in the place of an admin key, and no secret key where there is none', async () => {
    const credential = { kind: 'login', email: 'kim@example.com', password: 'fake: "pass" #1' } as const;
    const dify = await read({ ...ANSWERS, credential, secretKey: undefined, version: undefined });
    expect(dify).toMatchObject({ email: 'kim@example.com', password: 'fake: "pass" #1' });
    expect(dify).not.toHaveProperty('adminApiKey');
    expect(dify).not.toHaveProperty('secretKey');
  });

  it('carries any key and any name as it is', async () => {
    const text = fc.string({ unit: fc.character, minLength: 1 });
    const key = fc
      .string({ unit: 'grapheme-ascii', minLength: 1 })
      .filter((value) => value.trim() === value && !/^(\$\{|(["'`]).*\2$)/.test(value));
    await fc.assert(
      fc.asyncProperty(key, key, text, async (innerApiKey, secretKey, name) => {
        const dify = await read({
          ...ANSWERS,
          innerApiKey,
          secretKey,
          workspace: { ...ANSWERS.workspace, name },
        });
        expect(dify).toMatchObject({ innerApiKey, secretKey });
      }),
    );
  });
});
