// @module-tag redis
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { connectClient, type TestResult } from '../support/mcp-clients.ts';
import { start } from '../support/program.ts';
import { REDIS_PASSWORD, startRedis } from '../support/redis-server.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

const SLOW = 'workflow__slow_report';
const TOKEN = 'test-token';

const textOf = ({ content }: TestResult): string => content.map(({ text }) => text).join('\n');

it('a replica that is killed is missed, and what had ended there is not', async () => {
  const redis = await startRedis();
  const sandbox = await createSandbox({ tools: 'long' });
  const folder = await mkdtemp(join(tmpdir(), 'bridge-replicas-'));
  await writeFile(join(folder, 'redis-password'), `${REDIS_PASSWORD}\n`);
  const env = {
    ...sandboxEnv(sandbox),
    DIFY_BRIDGE_TOKEN: TOKEN,
    DIFY_BRIDGE_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    DIFY_BRIDGE_REDIS_PASSWORD_FILE: join(folder, 'redis-password'),
    DIFY_BRIDGE_TOOLS_HAND_OFF: '1s',
  };
  const args = ['serve', '--http', '--port', '0', '-o', 'json'];
  await using a = start(args, { env });
  await using b = start(args, { env });
  const [first, second] = await Promise.all(
    [a, b].map(async (started) => {
      const [line] = await started.match('stdout', /^.*\n/);
      const { url } = JSON.parse(line) as { url: string };
      return connectClient('v2 auto', { url, token: TOKEN });
    }),
  );
  if (first === undefined || second === undefined) throw new Error('There are not two clients.');

  const handOff = async (seconds: number): Promise<string> => {
    const { structuredContent } = await first.callTool(SLOW, { seconds });
    return (structuredContent as { call_id: string }).call_id;
  };
  const ask = (callId: string) => second.callTool('get_call_result', { call_id: callId });
  const [ended, lost] = await Promise.all([handOff(2), handOff(120)]);
  await expect.poll(async () => textOf(await ask(ended))).toContain('This took 2 seconds.');
  expect(textOf(await ask(lost))).toContain('is still running');

  a.child.kill('SIGKILL');
  await a.ended;
  await expect
    .poll(async () => textOf(await ask(lost)), { interval: 200 })
    .toContain('was lost: the replica of the bridge that ran it is gone.');
  expect(textOf(await ask(ended))).toContain('This took 2 seconds.');

  await second.close();
  b.child.kill('SIGTERM');
  expect(await b.ended).toMatchObject({ code: 0 });
  expect(a.stderr + b.stderr).not.toContain(REDIS_PASSWORD);
  await sandbox.close();
  await rm(folder, { recursive: true });
});
