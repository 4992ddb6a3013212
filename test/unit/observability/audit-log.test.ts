import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CallEnd, CallFacts } from '../../../src/model/call-record.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { Secrets } from '../../../src/model/secrets.ts';
import { AuditLog, type AuditLogOptions } from '../../../src/observability/audit-log.ts';
import { PLACE } from '../../support/test-view.ts';

const FACTS: CallFacts = {
  ...PLACE,
  view: 'support',
  principal: 'key:ada',
  tool: 'web__search',
  ref: { providerType: 'builtin', providerId: 'acme/web/web', tool: 'search' },
  credentialId: 'c-1',
  origin: { requestId: 'r-1', client: 'test', address: '203.0.113.7', rpc: { id: 1, transport: 'tcp' } },
  args: { b: 2, a: 'FAKE-ARGUMENT' },
};
const END: CallEnd = { outcome: 'ok', durationMs: 41.7, messages: 2, bytes: 100 };

const temporaryFolder = (): string => mkdtempSync(join(tmpdir(), 'audit-'));

function auditWith(file: string, options: Partial<AuditLogOptions> = {}): AuditLog {
  return new AuditLog({
    file,
    maxFileBytes: 1_000_000,
    maxFiles: 2,
    arguments: false,
    secrets: new Secrets(['fake-secret-value']),
    logger: silentLogger,
    ...options,
  });
}

function linesOf(file: string): Record<string, unknown>[] {
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^$|\n$/);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('the audit log', () => {
  it('has one line a call with who, what, how and how long, without the arguments', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = auditWith(file);
    audit.started(FACTS).ended(END);
    await audit.close();
    expect(linesOf(file)).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        requestId: 'r-1',
        principal: 'key:ada',
        client: 'test',
        address: '203.0.113.7',
        workspace: 'default',
        view: 'support',
        tool: 'web__search',
        provider: 'acme/web/web',
        road: 'inner',
        credential: 'c-1',
        outcome: 'ok',
        durationMs: 42,
        bytes: 100,
        // SHA-256 of {"a":"FAKE-ARGUMENT","b":2}
        argumentsHash: 'd1cecc58342ddf54f72c2c2c3a126574c395daa0995be12df7d49116059f8ed9',
      },
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('has the arguments if asked for, without secrets and not at full length', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = auditWith(file, { arguments: true });
    const args = { q: 'why fake-secret-value?', api_key: 'FAKE-KEY', long: 'x'.repeat(5000) };
    audit.started({ ...FACTS, args }).ended(END);
    await audit.close();
    const [line] = linesOf(file);
    expect(line?.['arguments']).toEqual({
      q: 'why [redacted]?',
      api_key: '[redacted]',
      long: expect.stringMatching(/^x{1999}…$/) as string,
    });
  });

  it('has lines of calls that fail, and of names that no tool has', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    const audit = auditWith(file);
    audit.started(FACTS).ended({ ...END, outcome: 'tool_failed' });
    audit
      .started({ ...FACTS, tool: 'nothing', ref: undefined, args: undefined })
      .ended({ ...END, outcome: 'tool_not_found' });
    await audit.close();
    expect(linesOf(file).map(({ tool, outcome }) => [tool, outcome])).toEqual([
      ['web__search', 'tool_failed'],
      ['nothing', 'tool_not_found'],
    ]);
  });

  it('begins a new file when one is full, keeps as many as configured, and loses no line', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'audit.log');
    const audit = auditWith(file, { maxFileBytes: 1500 });
    const allLines = (): string =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), 'utf8'))
        .join('');
    for (let index = 0; index < 12; index += 1) {
      audit.started({ ...FACTS, tool: `t${index}` }).ended(END);
      // Also files are opened in the background.
      await expect.poll(allLines).toContain(`"t${index}"`);
    }
    await audit.close();
    expect(readdirSync(folder).sort()).toEqual(['audit.log', 'audit.log.1', 'audit.log.2']);
    const kept = ['audit.log.2', 'audit.log.1', 'audit.log'].flatMap((name) => linesOf(join(folder, name)));
    const tools = kept.map(({ tool }) => String(tool));
    expect(tools).toEqual(Array.from(tools, (_, index) => `t${12 - tools.length + index}`));
    expect(tools.length).toBeGreaterThan(7);
  });

  it('continues a file', async () => {
    const file = join(temporaryFolder(), 'audit.log');
    for (let run = 0; run < 2; run += 1) {
      const audit = auditWith(file);
      audit.started(FACTS).ended(END);
      await audit.close();
    }
    expect(linesOf(file)).toHaveLength(2);
  });

  it('refuses a file that cannot be written', () => {
    const file = join(temporaryFolder(), 'missing', 'audit.log');
    expect(() => auditWith(file)).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `The audit log ${file} cannot be written (ENOENT).`,
      }),
    );
  });

  it('reports a disk that is full once, and fails no call', async () => {
    const errors: string[] = [];
    const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
    const audit = auditWith('/dev/full', { logger });
    for (let index = 0; index < 3; index += 1) audit.started(FACTS).ended(END);
    await expect.poll(() => errors).toEqual(['The audit log could not be written']);
    void audit.close();
  });
});
