import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { BridgeError } from '../../../src/model/errors.ts';
import { createLogger, type LoggerOptions } from '../../../src/observability/logger.ts';

function recorded(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'debug',
    destination: { write: (line) => lines.push(line) },
    ...options,
  });
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger, lines, parsed };
}

it('writes one JSON line a message, with time, level in words, and the fields', () => {
  const { logger, lines, parsed } = recorded();
  logger.child({ requestId: 'r1' }).info('A call ended', { tool: 'time__now', ms: 12 });
  expect(lines[0]).toMatch(/\}\n$/);
  expect(parsed()).toEqual([
    {
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      requestId: 'r1',
      tool: 'time__now',
      ms: 12,
      msg: 'A call ended',
    },
  ]);
});

it('writes from the given level on, and nothing when silent', () => {
  const { logger, parsed } = recorded({ level: 'warn' });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
  expect(parsed().map(({ level }) => level)).toEqual(['warn', 'error']);
  const silent = recorded({ level: 'silent' });
  silent.logger.error('nothing');
  expect(silent.lines).toEqual([]);
});

it('shows an expected error by its code and without a stack, and a fault with one', () => {
  const { logger, parsed } = recorded();
  const cause = new TypeError('x is not a function');
  logger.error('A call failed', {
    error: new BridgeError('upstream_error', 'Dify failed.', {
      upstream: { status: 500, path: '/a' },
      cause,
    }),
  });
  const [line] = parsed();
  expect(line?.['error']).toEqual({
    code: 'upstream_error',
    message: 'Dify failed.',
    upstream: { status: 500, path: '/a' },
    cause: {
      type: 'TypeError',
      message: 'x is not a function',
      stack: expect.stringContaining('logger.test.ts'),
    },
  });
});

const SECRET = 'fake-"secret"-9f73+/=';

it('never lets a known secret through, on any path', () => {
  const { logger, lines } = recorded({ secrets: [SECRET] });
  const circular: Record<string, unknown> = { value: SECRET };
  circular['self'] = circular;
  const fields: Record<string, unknown>[] = [
    { value: SECRET },
    { [SECRET]: 1 },
    { nested: { deeply: [{ in: [`before ${SECRET} after`] }] } },
    { error: new Error(`refused ${SECRET}`) },
    { error: new BridgeError('internal', SECRET, { upstream: { status: 1, path: `/a?k=${SECRET}` } }) },
    { error: new Error('outer', { cause: new Error(SECRET) }) },
    { url: `http://dify.test/?key=${encodeURIComponent(SECRET)}` },
    { url: new URL(`http://dify.test/${encodeURIComponent(SECRET)}`) },
    { map: new Map([['a', SECRET]]), set: new Set([SECRET]) },
    { json: JSON.stringify({ a: SECRET }) },
    circular,
  ];
  for (const field of fields) {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('Message', field);
    logger.child(field).info('From a child');
  }
  logger.error(`In the message: ${SECRET}`);
  expect(lines).toHaveLength(fields.length * 5 + 1);
  expect(lines.filter((line) => line.includes('9f73'))).toEqual([]);
  // Nor a part of it, where a long text is cut.
  logger.info('Long', { text: `${'x'.repeat(1990)}${SECRET}` });
  expect(lines.at(-1)).not.toContain('fake-');
  // Without the list of secrets the very same lines do carry it.
  const open = recorded();
  for (const field of fields) open.logger.info('Message', field);
  expect(open.lines.filter((line) => line.includes('9f73'))).toHaveLength(fields.length);
});

it.each([
  'apiKey',
  'innerApiKey',
  'X-Inner-Api-Key',
  'secret_key',
  'password',
  'token',
  'access_token',
  'progressToken',
  'Authorization',
  'cookie',
  'Set-Cookie',
  'credentials',
])('blots out what is called %s', (name) => {
  const { logger, lines } = recorded();
  logger.info('Message', { [name]: 'unlisted', nested: [{ [name]: { inner: 'unlisted' } }] });
  logger.child({ [name]: 'unlisted' }).info('Message');
  expect(lines.join('')).not.toContain('unlisted');
});

it('keeps ids and other fields that only sound alike', () => {
  const { logger, parsed } = recorded();
  logger.info('Message', { credentialId: 'c1', tool: 'key_value__get', keys: 3 });
  expect(parsed()[0]).toMatchObject({ credentialId: 'c1', tool: 'key_value__get', keys: 3 });
});

it('blots out signatures and bearer tokens inside texts', () => {
  const { logger, lines } = recorded();
  logger.info('Message', {
    link: '/files/tools/a.png?timestamp=1&nonce=abcdef&sign=Zm9v%3D',
    header: 'Bearer abc.def-123',
    error: new Error('GET http://dify.test/files/a?sign=Zm9v failed'),
  });
  expect(lines.join('')).not.toMatch(/abcdef|Zm9v|abc\.def/);
  expect(lines.join('')).toContain('timestamp=1');
});

it('writes U+FFFD for half a character, and cuts none in two', () => {
  const { logger, lines } = recorded();
  logger.info('Half \ud83d', {
    '\ude00': ['\ud83d'],
    nested: { a: 'x\ud83d'.repeat(50) },
    long: `x${'😀'.repeat(2000)}`,
  });
  // As standard error gets them.
  const line = Buffer.from(lines.join('')).toString();
  const written = JSON.parse(line) as Record<string, unknown>;
  expect(line).not.toContain(String.raw`\ud`);
  expect(written).toMatchObject({ msg: 'Half \ufffd', '\ufffd': ['\ufffd'] });
  expect(written['long']).toMatch(/^x(😀)+…$/u);
});

it('never throws, whatever it is given', () => {
  const { logger, lines } = recorded();
  const hostile = {
    get broken(): never {
      throw new Error('no');
    },
    fine: 1,
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const deep: unknown[] = [];
  let level = deep;
  for (let index = 0; index < 10_000; index += 1) level.push((level = []));
  const values: unknown[] = [
    hostile,
    revoked.proxy,
    deep,
    10n,
    Symbol('s'),
    () => 1,
    new Date(Number.NaN),
    new Uint8Array(9),
    Object.create(null),
    {
      toJSON: () => {
        throw new Error('no');
      },
    },
    'x'.repeat(1_000_000),
    Array.from({ length: 100_000 }, (_, index) => index),
  ];
  for (const value of values) logger.info('Message', { value });
  logger.child({ value: hostile }).warn('Message');
  expect(lines).toHaveLength(values.length + 1);
  for (const line of lines) expect(line.length).toBeLessThan(10_000);
  expect(lines[0]).toContain('"fine":1');
});

it('survives a destination that fails', () => {
  const { logger } = recorded({
    destination: {
      write: () => {
        throw new Error('disk full');
      },
    },
  });
  expect(() => logger.error('Message')).not.toThrow();
});

it('writes to standard error, never to standard output', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(new URL('../../../src/observability/logger.ts', import.meta.url).href)};
    createLogger({ level: 'info' }).info('Hello');`;
  const run = spawnSync(process.execPath, ['--import', register(), '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(run.stdout).toBe('');
  expect(JSON.parse(run.stderr)).toMatchObject({ level: 'info', msg: 'Hello' });
});

/** A loader that strips types with esbuild, for a child process that runs a source file. */
function register(): string {
  const hooks = `
    import { readFileSync } from 'node:fs';
    import { fileURLToPath } from 'node:url';
    import { transformSync } from ${JSON.stringify(import.meta.resolve('esbuild'))};
    export async function load(url, context, next) {
      if (!url.endsWith('.ts')) return next(url, context);
      const source = transformSync(readFileSync(fileURLToPath(url), 'utf8'), { loader: 'ts', format: 'esm' }).code;
      return { format: 'module', source, shortCircuit: true };
    }`;
  const main = `
    import { register } from 'node:module';
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))});`;
  return `data:text/javascript,${encodeURIComponent(main)}`;
}

it('changes its level while the program runs', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'warn', destination: { write: (line) => void lines.push(line) } });
  logger.info('unheard');
  logger.setLevel('info');
  logger.info('heard');
  logger.setLevel('silent');
  logger.error('unheard');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['heard']);
});
