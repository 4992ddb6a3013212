import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { createSandbox, type SandboxOptions } from '../../../src/sandbox/sandbox.ts';
import { declaredProviders } from '../../support/declared-providers.ts';
import { CLIENT_KINDS, type TestClient } from '../../support/mcp-clients.ts';
import { type BridgeSettings, sandboxEnv, startBridge } from '../../support/running-bridge.ts';

interface Surface extends Pick<BridgeSettings, 'file' | 'localFiles'> {
  /** The file that holds it. */
  readonly name: string;
  readonly tools: SandboxOptions['tools'];
  readonly env?: Readonly<Record<string, string>>;
}

const WITH_BRIDGE_TOOLS = { DIFY_BRIDGE_TOOLS_HAND_OFF: '50s' };
const SEARCH = { DIFY_BRIDGE_TOOLS_MODE: 'search' };

const SURFACES: readonly Surface[] = [
  { name: 'demo', tools: 'demo', env: WITH_BRIDGE_TOOLS },
  { name: 'demo-search', tools: 'demo', env: { ...WITH_BRIDGE_TOOLS, ...SEARCH } },
  {
    name: 'demo-search-read-only-pinned',
    tools: 'demo',
    env: SEARCH,
    file: 'tools:\n  pinned: [time__weekday]\n  presets:\n    time__*: { readOnly: true }\n',
  },
  { name: 'files', tools: 'files' },
  {
    name: 'files-local',
    tools: 'files',
    localFiles: true,
    env: { DIFY_BRIDGE_FILES_ALLOWED_PATHS: tmpdir() },
  },
  { name: 'long', tools: 'long', env: WITH_BRIDGE_TOOLS },
  { name: 'declared', tools: declaredProviders },
  {
    name: 'declared-form-published',
    tools: declaredProviders,
    env: { DIFY_BRIDGE_TOOLS_FORM_PARAMETERS: 'publish' },
  },
];

// Whatever models see is in these files, so that a review sees each change of it. `npm run docs` writes them.
describe('what a model sees', () => {
  it.each(SURFACES)('with $name', async ({ name, tools, env = {}, ...settings }) => {
    const sandbox = await createSandbox({ tools });
    await using bridge = await startBridge({ env: { ...sandboxEnv(sandbox), ...env }, ...settings });
    const texts: string[] = [];
    for (const kind of CLIENT_KINDS) texts.push(await surfaceOf(await bridge.connect(kind, 'stdio')));
    await sandbox.close();
    const [text = ''] = texts;
    expect(new Set(texts).size).toBe(1);
    await expect(text).toMatchFileSnapshot(`${name}.md`);
  });
});

/** The instructions and the tools of a server, as Markdown. */
async function surfaceOf(client: TestClient): Promise<string> {
  const { tools } = await client.listPage();
  const parts = (tools as readonly Listed[]).map(({ name, title = '', description = '', ...rest }) =>
    [`## ${name}`, title, quoted(description), fenced(rest)].filter(Boolean).join('\n\n'),
  );
  return [quoted(client.instructions ?? ''), ...parts].join('\n\n') + '\n';
}

interface Listed {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
}

function quoted(text: string): string {
  return text.replaceAll(/^/gm, '> ').replaceAll(/ +$/gm, '');
}

function fenced(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
}
