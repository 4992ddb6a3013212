import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, type ManifestStatus } from '../../../src/app/app.ts';
import { catalogueFinding, clockFinding, versionFinding } from '../../../src/cli/doctor-checks.ts';
import { BridgeError } from '../../../src/model/errors.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/sandbox.ts';
import { createDirectoryBackend } from '../../../src/files/backends/directory.ts';
import { createFileStore } from '../../../src/files/file-store.ts';
import { startSandbox } from '../../support/sandbox-client.ts';
import { put, redisStore } from '../../support/file-stores.ts';
import { REDIS_PASSWORD, startRedis } from '../../support/redis-server.ts';
import { type CliSetup, cli, createFakeApp, ENV } from '../../support/fake-cli.ts';

interface DoctorReport {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly details?: readonly string[];
    readonly fix?: string;
  }[];
}

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox.close());

const environment = (changes: Readonly<Record<string, string | undefined>> = {}) => ({
  HOME: ENV.HOME,
  // The usual port may be taken on this machine.
  DIFY_BRIDGE_PORT: '0',
  DIFY_API_URL: sandbox.url,
  DIFY_INNER_API_KEY: sandbox.credentials.innerApiKey,
  DIFY_WORKSPACE_ID: sandbox.credentials.workspaceId,
  DIFY_ADMIN_API_KEY: sandbox.credentials.adminApiKey,
  DIFY_SECRET_KEY: sandbox.credentials.secretKey,
  ...changes,
});

async function diagnose(setup: CliSetup, argv: readonly string[] = []) {
  const run = await cli(['doctor', '-o', 'json', ...argv], setup);
  const { ok, checks } = run.json() as DoctorReport;
  const status = Object.fromEntries(checks.map(({ name, status }) => [name, status]));
  const check = (name: string) => checks.find((entry) => entry.name === name);
  return { run, ok, status, check };
}

const WELL = {
  configuration: 'pass',
  'file store': 'pass',
  address: 'pass',
  version: 'pass',
  'inner key': 'pass',
  workspace: 'pass',
  catalogue: 'warn',
  'file signing': 'pass',
  clock: 'pass',
  port: 'skip',
};

describe('doctor', () => {
  it('makes every check in order, runs no tool and closes the bridge', async () => {
    const before = sandbox.requests.length;
    const { run, ok, status, check } = await diagnose({ env: environment() });
    expect(Object.entries(status)).toEqual(Object.entries(WELL));
    expect({ ok, code: run.code, stderr: run.stderr }).toEqual({ ok: true, code: 0, stderr: '' });
    expect(check('catalogue')?.message).toBe(
      '2 tools published (builtin 2, workflow 0, api 0, mcp 0), 1 withheld.',
    );
    expect(check('catalogue')?.details?.join('\n')).toMatch(
      /could not list mcp[^]*without credentials in Dify: Post 1[^]*acme_weather__stuck is withheld/,
    );
    expect(check('catalogue')?.fix).toMatch(
      /plugin daemon[^]*Authorise these providers[^]*tools explain NAME/,
    );
    const paths = sandbox.requests.slice(before).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => path.includes('/invoke/'))).toEqual([]);
    expect(run.events).toEqual(['create', 'start', 'close 0']);
  });

  it.each([
    [{ DIFY_BRIDGE_TOOLS_DENY: '*postbox*,paperkite_mishaps__*' }, 'pass', undefined],
    [{ DIFY_BRIDGE_TOOLS_DENY: '*' }, 'warn', expect.stringContaining('tools explain NAME')],
  ])('does not warn of what the rules of the operator hide: %j', async (rules, status, fix) => {
    const { check } = await diagnose({ env: environment(rules), io: { createApp } });
    expect(check('catalogue')?.status).toBe(status);
    expect(check('catalogue')?.fix).toEqual(fix);
    expect(check('catalogue')?.message).not.toContain(' 0 withheld');
    expect(check('catalogue')?.details ?? []).toEqual([]);
  });

  it('prints the same as text, without secrets', async () => {
    const { code, stdout } = await cli(['doctor'], { env: environment() });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^pass {2}configuration: Valid/);
    expect(stdout).toMatch(/warn {2}catalogue: .*\n {6}- .*[^]* {6}fix: Authorise/);
    expect(stdout).toMatch(/The bridge can work; 1 warning above\.\n$/);
    for (const secret of [sandbox.credentials.innerApiKey, sandbox.credentials.secretKey]) {
      expect(stdout).not.toContain(secret);
    }
  });

  it('looks at the sandbox itself when asked to', async () => {
    const { status, run } = await diagnose({ env: { HOME: ENV.HOME, DIFY_BRIDGE_PORT: '0' } }, ['--sandbox']);
    expect(status).toEqual(WELL);
    expect(run.configs[0]?.sandbox).toBeUndefined();
  });

  it.each([
    [{ DIFY_INNER_API_KEY: 'fake-wrong-key' }, 'inner key', 4, /DIFY_INNER_API_KEY/],
    [{ DIFY_ADMIN_API_KEY: 'fake-wrong-key' }, 'workspace', 4, /DIFY_ADMIN_API_KEY/],
    [{ DIFY_SECRET_KEY: 'fake-wrong-key' }, 'file signing', 4, /DIFY_SECRET_KEY/],
    [
      { DIFY_ADMIN_API_KEY: undefined, DIFY_EMAIL: 'sandbox@example.com', DIFY_PASSWORD: 'fake-wrong' },
      'workspace',
      4,
      /Correct both/,
    ],
  ])('finds %j: %s', async (changes, name, code, fix) => {
    const { run, ok, check, status } = await diagnose({ env: environment(changes) });
    expect({ ok, code: run.code }).toEqual({ ok: false, code });
    expect(check(name)).toMatchObject({ status: 'fail', fix: expect.stringMatching(fix) });
    // Checks that do not depend on it still ran, but no second login was tried.
    expect(status['clock']).toBe('pass');
    expect(status['catalogue']).toBe(name === 'workspace' ? 'skip' : 'warn');
    expect(run.stdout).not.toContain('fake-wrong');
  });

  it('takes the way of an account, and creates no app', async () => {
    const { url, credentials, account } = sandbox;
    const login = { DIFY_EMAIL: credentials.email, DIFY_PASSWORD: credentials.password };
    const env = { HOME: ENV.HOME, DIFY_BRIDGE_PORT: '0', DIFY_URL: url, ...login };
    const missing = await diagnose({ env });
    expect(missing.status).toMatchObject({ login: 'pass', workspace: 'pass', app: 'fail', run: 'skip' });
    expect(missing.check('login')?.message).toContain(credentials.email);
    expect(missing.check('app')?.fix).toContain('DIFY_CREATE_APP=true');
    expect(missing.run.code).toBe(2);
    const allowed = await diagnose({ env: { ...env, DIFY_CREATE_APP: 'true' } });
    expect(Object.entries(allowed.status)).toEqual([
      ['configuration', 'pass'],
      ['file store', 'pass'],
      ['address', 'pass'],
      ['version', 'pass'],
      ['login', 'pass'],
      ['workspace', 'pass'],
      ['role', 'pass'],
      ['app', 'pass'],
      ['catalogue', 'warn'],
      ['run', 'skip'],
      ['file', 'skip'],
      ['port', 'skip'],
    ]);
    expect(account.apps).toEqual([]);
  });

  it.for(['1.4.1', '1.9.1', '1.16.0'])(
    'walks the way of a stored login to a tool and a file (Dify %s)',
    async (version) => {
      const dify = await startSandbox({ version });
      const { email, password } = dify.credentials;
      const env = { HOME: mkdtempSync(join(tmpdir(), 'bridge-home-')), DIFY_BRIDGE_PORT: '0' };
      const argv = ['login', dify.url, '--email', email, '--yes'];
      expect((await cli(argv, { env: { ...env, DIFY_PASSWORD: password } })).code).toBe(0);
      const { status, check, run } = await diagnose({ env, io: { createApp } });
      expect(Object.entries(status).slice(2)).toEqual([
        ['address', 'pass'],
        ['version', 'pass'],
        ['login', 'pass'],
        ['workspace', 'pass'],
        ['role', 'pass'],
        ['app', 'pass'],
        ['catalogue', 'warn'],
        ['run', 'pass'],
        ['file', 'pass'],
        ['port', 'skip'],
      ]);
      expect(check('login')?.message).toMatch(
        /^The account road, as sandbox@example\.com, signed in 0 minutes ago; the login ends (on|in) .* if it is not used\.$/,
      );
      expect(check('role')?.message).toMatch(/^owner, /);
      expect(check('run')?.message).toMatch(/answered in \d+ ms: 20\d\d-/);
      expect(run.code).toBe(0);
      expect(dify.account.runs).toHaveLength(1);
    },
  );

  it('says in one line what a failed check skips', async () => {
    const env = environment({ DIFY_API_URL: 'http://127.0.0.1:9' });
    const { stdout } = await cli(['doctor'], { env });
    expect(stdout.match(/^skip/gm)).toHaveLength(2);
    expect(stdout).toMatch(
      /^skip {2}version, inner key, workspace, catalogue, file signing, clock: Not checked, because the address comes first\.$/m,
    );
  });

  it('warns when no key signs the links to files', async () => {
    const { status, run } = await diagnose({ env: environment({ DIFY_SECRET_KEY: undefined }) });
    expect(status).toMatchObject({ configuration: 'pass', 'file signing': 'warn' });
    expect(run.code).toBe(0);
  });

  it('asks for no key, and lets a wrong one pass with a warning, where Dify gives addresses of files', async () => {
    const newer = await createSandbox({ version: '1.16.0' });
    const checked = async (secretKey: string | undefined, innerKey = newer.credentials.innerApiKey) => {
      const env = environment({
        DIFY_API_URL: newer.url,
        DIFY_INNER_API_KEY: innerKey,
        DIFY_WORKSPACE_ID: newer.credentials.workspaceId,
        DIFY_ADMIN_API_KEY: newer.credentials.adminApiKey,
        DIFY_SECRET_KEY: secretKey,
      });
      return (await diagnose({ env })).check('file signing');
    };
    try {
      expect(await checked(newer.credentials.secretKey)).toMatchObject({ status: 'pass' });
      expect(await checked(undefined)).toMatchObject({
        status: 'pass',
        message: 'Not needed: this Dify gives addresses of files for the inner key.',
      });
      expect(await checked('fake-wrong-key')).toMatchObject({
        status: 'warn',
        message: expect.stringContaining('Files still arrive'),
      });
      expect(await checked('fake-wrong-key', 'fake-wrong-inner-key')).toMatchObject({ status: 'fail' });
      // The key that is wrong says nothing of files.
      expect(await checked(undefined, 'fake-wrong-inner-key')).toMatchObject({ status: 'skip' });
    } finally {
      await newer.close();
    }
  });

  it('says where files are kept, and how full it is', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'bridge-files-'));
    const at = async (changes: Record<string, string>) =>
      (await diagnose({ env: environment({ DIFY_BRIDGE_FILES_DIR: dir, ...changes }) })).check('file store');
    expect(await at({})).toMatchObject({
      status: 'pass',
      message: `${dir} contains 0 files, 0 bytes of 1.1 GB.`,
    });
    const store = createFileStore({
      backend: createDirectoryBackend(dir),
      maxBytes: 1000,
      ttlMs: 60_000,
      logger: silentLogger,
    });
    const content = Readable.from([Buffer.from('hello')]);
    await store.put(content, { name: 'a.txt', mimeType: 'text/plain', principal: 'ada' });
    await store.close();
    expect(await at({ DIFY_BRIDGE_FILES_MAX_STORE_BYTES: '1MB' })).toMatchObject({
      status: 'pass',
      message: `${dir} contains 1 file, 5 bytes of 1 MB.`,
    });
    expect(await at({ DIFY_BRIDGE_FILES_STORE: 'memory' })).toMatchObject({
      status: 'pass',
      message: 'Files are stored in memory, up to 134.2 MB, until the bridge stops.',
    });
  });

  it('says whether Redis answers, what it holds, and why it refuses', { tags: ['redis'] }, async () => {
    const redis = await startRedis();
    const url = redis.newUrl();
    const { store } = await redisStore(redis, { url });
    await put(store, 'hello');
    const well = await diagnose({ env: environment({ DIFY_BRIDGE_REDIS_URL: url }) });
    expect(Object.keys(well.status).slice(0, 4)).toEqual(['configuration', 'redis', 'file store', 'address']);
    expect(well.check('redis')).toMatchObject({
      status: 'pass',
      message: `Redis answers at redis://127.0.0.1:${redis.port}/0.`,
    });
    expect(well.check('file store')).toMatchObject({
      status: 'pass',
      message: 'Redis stores 1 file for all replicas, 5 bytes of 134.2 MB.',
    });
    expect(well.run.stdout + well.run.stderr).not.toContain(REDIS_PASSWORD);

    const refused = await diagnose({
      env: environment({ DIFY_BRIDGE_REDIS_URL: `redis://127.0.0.1:${redis.port}` }),
    });
    expect(refused.check('redis')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('Redis refuses the login (NOAUTH).'),
      fix: expect.stringContaining('DIFY_BRIDGE_REDIS_PASSWORD'),
    });
    expect(refused.status).toMatchObject({ 'file store': 'skip', address: 'pass', catalogue: 'warn' });
    expect(refused.run.code).toBe(2);
  });

  it('finds a folder for files that is not writable, and continues with the other checks', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bridge-files-')), 'file');
    writeFileSync(file, '');
    const named = await diagnose({ env: environment({ DIFY_BRIDGE_FILES_DIR: join(file, 'dir') }) });
    expect(named.check('file store')).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('files.dir is not writable (ENOTDIR)'),
      fix: expect.stringContaining('DIFY_BRIDGE_FILES_DIR'),
    });
    expect({ code: named.run.code, clock: named.status['clock'] }).toEqual({ code: 2, clock: 'pass' });
    // Nobody named the usual one, so the bridge does without.
    const usual = await diagnose({ env: environment({ XDG_CACHE_HOME: join(file, 'cache') }) });
    expect(usual.check('file store')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('is not writable. Files are stored in memory'),
      fix: expect.stringContaining('files.dir'),
    });
    expect(usual.run.code).toBe(0);
  });

  it('stops at a configuration that is not valid, and lists the problems', async () => {
    const { run, check, status } = await diagnose({ env: { HOME: ENV.HOME } });
    expect(run.code).toBe(2);
    expect(check('configuration')?.message).toContain('not configured');
    expect(check('configuration')?.fix).toMatch(
      /^Run dify-mcp-bridge login.*\n.*The configuration file .*\.config/,
    );
    expect(Object.values(status).slice(1)).toEqual(Array.from({ length: 9 }, () => 'skip'));
  });

  it('stops where nobody answers', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const { run, status } = await diagnose({
      env: environment({ DIFY_API_URL: `http://127.0.0.1:${port}` }),
    });
    expect(run.code).toBe(1);
    expect(status).toMatchObject({ configuration: 'pass', address: 'fail', version: 'skip', clock: 'skip' });
  });

  it('recognises a web page in the place of Dify', async () => {
    const web = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>Web app</title>');
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    const { run, check } = await diagnose({ env: environment({ DIFY_API_URL: `http://127.0.0.1:${port}` }) });
    web.closeAllConnections();
    await new Promise((resolve) => web.close(resolve));
    expect(run.code).toBe(2);
    expect(check('address')).toMatchObject({ status: 'fail' });
  });

  it('tells when the catalogue does not load', async () => {
    const loadError = new BridgeError('catalog_unavailable', 'Not loaded.', { hint: 'Look there.' });
    const { run, check } = await diagnose({ env: environment(), app: { loadError } });
    expect(run.code).toBe(1);
    expect(check('catalogue')).toMatchObject({ status: 'fail', message: 'Not loaded.', fix: 'Look there.' });
  });

  it('tells a bridge that serves at its port already from anything else', async () => {
    const bridge = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json').end('{"status":"ok"}');
    });
    await new Promise<void>((resolve) => bridge.listen(0, '127.0.0.1', resolve));
    const DIFY_BRIDGE_PORT = String((bridge.address() as AddressInfo).port);
    const taken = await diagnose({ env: environment({ DIFY_BRIDGE_PORT }) });
    bridge.closeAllConnections();
    await new Promise((resolve) => bridge.close(resolve));
    expect(taken.check('port')).toMatchObject({
      status: 'pass',
      message: expect.stringContaining('already'),
    });
    const free = await diagnose({ env: environment({ DIFY_BRIDGE_PORT }) });
    expect(free.check('port')?.message).toBe(`serve --http can listen at 127.0.0.1:${DIFY_BRIDGE_PORT}.`);
    const foreign = await diagnose({ env: environment({ DIFY_BRIDGE_PORT, DIFY_BRIDGE_HOST: '192.0.2.1' }) });
    expect(foreign.check('port')).toMatchObject({
      status: 'warn',
      message: expect.stringContaining('not an address of this machine'),
    });
  });

  it('ends with 130 when it is interrupted', async () => {
    const { code } = await cli(['doctor'], { env: environment(), onStart: (send) => send('SIGINT') });
    expect(code).toBe(130);
  });
});

describe('the version', () => {
  const status = (version: string | undefined) => versionFinding({ version, serverDate: undefined });

  it.each(['1.0.0', '1.4.1', '1.11.4', '1.13.0', '2.0.0', '10.1'])('%s passes', (version) => {
    expect(status(version)).toEqual({ status: 'pass', message: `Dify ${version}.` });
  });

  it('before 1.0.0 fails', () => {
    expect(status('0.15.3')).toMatchObject({ status: 'fail', exit: 1 });
  });

  it.each([undefined, '1.12.0', '1.12.1'])('%s is a warning with a way out', (version) => {
    expect(status(version)).toMatchObject({ status: 'warn', fix: expect.any(String) });
  });
});

describe('the clock', () => {
  const now = new Date('2026-11-22T12:00:00Z');
  const at = (seconds: number) => clockFinding(new Date(now.getTime() + seconds * 1000), now);

  it.each([
    [0, 'pass'],
    [60, 'pass'],
    [-60, 'pass'],
    [61, 'warn'],
    [-400, 'warn'],
    [299, 'warn'],
    [300, 'fail'],
  ])('with Dify %d s ahead: %s', (seconds, expected) => {
    expect(at(seconds).status).toBe(expected);
  });

  it('says which of both is late', () => {
    expect(at(120).message).toContain("120 s behind Dify's");
    expect(at(-120).message).toContain("120 s ahead of Dify's");
  });

  it('is skipped when Dify sends no date', () => {
    expect(clockFinding(undefined, now).status).toBe('skip');
  });
});

describe('the catalogue', () => {
  const { signal } = new AbortController();
  const difference = { same: false, added: [], removed: [{ name: 'gone' }], changed: [] };
  const manifest: ManifestStatus = {
    dir: 'approved',
    frozen: true,
    views: ['default'],
    comparedAt: new Date(),
    difference: difference as unknown as NonNullable<ManifestStatus['difference']>,
  };
  const since = new Date('2026-11-22T10:00:00Z');

  it('names what is stale with its time, once, and what differs from the manifest', async () => {
    const stale = [{ providerType: 'mcp', since, message: 'Dify could not list mcp tools.' } as const];
    const app = createFakeApp({ stale, manifests: [manifest], lastError: 'No connection.\nStart it.' });
    const { status, details } = await catalogueFinding(app, signal);
    expect(status).toBe('warn');
    expect(details?.slice(0, 3)).toEqual([
      'Dify could not list its tools: No connection.',
      'STALE: the mcp tools are served as of 2026-11-22T10:00:00.000Z. Dify could not list mcp tools.',
      'Not as approved in approved: 1 no longer published (gone). See dify-mcp-bridge manifest diff.',
    ]);
    expect(details?.filter((line) => line.includes('could not list mcp tools'))).toHaveLength(1);
  });

  it('says when nothing was compared with the manifest', async () => {
    const unchecked = { ...manifest, comparedAt: undefined, difference: undefined };
    const app = createFakeApp({ manifests: [unchecked], refresh: () => Promise.reject(new Error('down')) });
    const { details } = await catalogueFinding(app, signal);
    expect(details?.[0]).toBe("The tools are those of approved; Dify's were not compared with them.");
  });

  it('is served from a manifest alone where nothing lists the tools', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-doctor-'));
    const { status, check } = await diagnose({
      env: environment({ DIFY_ADMIN_API_KEY: undefined, DIFY_BRIDGE_MANIFEST: folder }),
    });
    expect(status).toMatchObject({ workspace: 'skip', catalogue: 'warn', 'file signing': 'pass' });
    expect(check('workspace')?.message).toContain('manifest');
  });
});
