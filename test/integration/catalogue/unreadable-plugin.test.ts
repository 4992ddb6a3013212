import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../../src/sandbox/sandbox.ts';
import { CONSOLE_WAYS, type ConsoleWay, sandboxEnv, startBridge } from '../../support/running-bridge.ts';
import { said } from '../bridge/rows/row.ts';

const STUDIO = 'paperkite/studio/studio';
const POSTBOX = 'paperkite/postbox/postbox';
const RELEASES = ['1.0.0', '1.4.1', '1.12.1', '1.17.1'] as const;
const CASES = RELEASES.flatMap((version) => CONSOLE_WAYS.map((way) => ({ version, way })));

type Tool = { readonly name: string };

/** A bridge that has just been started, with a client. */
async function start(version: string, way: ConsoleWay, unreadable: readonly string[]) {
  const sandbox = await createSandbox({ version });
  for (const id of unreadable) sandbox.workspace.breakDeclaration(id);
  const bridge = await startBridge({ env: sandboxEnv(sandbox, way) });
  const client = await bridge.connect('v2 auto', 'stdio');
  return {
    bridge,
    client,
    tools: (await client.listPage()).tools as readonly Tool[],
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
}

/** Before 1.7.0 Dify does not say of a single provider whether it has credentials, so a tool's remark may be missing. */
const unchanged = (tools: readonly Tool[]): readonly Tool[] =>
  tools.filter(({ name }) => !name.startsWith('paperkite_postbox__'));

describe('a plugin whose declaration Dify cannot read, from the start', () => {
  it.each(CASES)(
    'takes its own tools away and no others: $version with the $way',
    async ({ version, way }) => {
      await using well = await start(version, way, []);
      await using fresh = await start(version, way, [STUDIO]);
      const { bridge, client, tools } = fresh;
      const others = well.tools.filter(({ name }) => !name.startsWith('paperkite_studio__'));
      expect(others.length).toBeLessThan(well.tools.length);
      expect(tools.map(({ name }) => name)).toEqual(others.map(({ name }) => name));
      expect(unchanged(tools)).toEqual(unchanged(others));

      const problem = {
        providerType: 'builtin',
        providerId: STUDIO,
        message: expect.stringContaining(`"${STUDIO}" could not be listed`),
      };
      expect(bridge.app.status().listing?.problems).toEqual([problem]);
      const reported = bridge.log
        .map((line) => JSON.parse(line) as { msg: string })
        .filter(({ msg }) => msg === 'Dify could not list all tools');
      expect(reported).toMatchObject([{ level: 'warn', problems: [problem] }]);

      const weekday = await client.callTool('time__weekday', { year: 2026, month: 11, day: 22 });
      expect(weekday.content).toEqual([said('November 22, 2026 is Sunday.')]);
    },
  );

  it.each([[[]], [[STUDIO]]])('leaves it known which providers lack credentials: %j', async (unreadable) => {
    await using fresh = await start('1.17.1', 'admin key', unreadable);
    const providers = fresh.bridge.app.status().listing?.providers ?? [];
    expect(providers.filter(({ authorized }) => !authorized).map(({ id }) => id)).toEqual([POSTBOX]);
  });
});
