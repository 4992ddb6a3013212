// Starts the built bridge over stdio against the sandbox, and lists its tools.
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { localized, parameter } from '../../dist/sandbox/declaration.js';
import { mcpProvider } from '../../dist/sandbox/mcp-provider.js';
import { builtinProvider, defineTool } from '../../dist/sandbox/provider.js';
import { createSandbox } from '../../dist/sandbox/sandbox.js';

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
export const OFFICIAL = pathOf('../../../shared/dify/official-tools.jsonl');

/** Resolves with all groups of tools, and what was absent. */
export async function listGroups() {
  const sets = [
    { group: 'sandbox demo', tools: 'demo', env: { DIFY_BRIDGE_TOOLS_HAND_OFF: '50s' } },
    { group: 'sandbox files', tools: 'files' },
    { group: 'sandbox long', tools: 'long' },
    { group: 'search tools', tools: 'demo', env: { DIFY_BRIDGE_TOOLS_MODE: 'search' } },
    { group: 'awkward schemas', tools: [awkwardProvider()] },
  ];
  if (existsSync(OFFICIAL)) {
    const env = { DIFY_BRIDGE_TOOLS_FORM_PARAMETERS: 'publish' };
    sets.push({ group: 'official plugins', tools: declaredProviders(OFFICIAL), env });
  }
  const groups = [];
  for (const set of sets) groups.push({ group: set.group, tools: await withBridge(set, listTools) });
  return { groups, absent: existsSync(OFFICIAL) ? [] : ['the declarations of official plugins'] };
}

/** Resolves with what `use` makes of a client of the built bridge, which serves the tools of a sandbox over stdio. */
export async function withBridge({ tools, env }, use) {
  const sandbox = await createSandbox({ tools });
  const client = new Client({ name: 'interop', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [pathOf('../../dist/main.js'), 'serve'],
    env: { ...environmentOf(sandbox), DIFY_BRIDGE_LOG_LEVEL: 'warn', ...env },
  });
  try {
    await client.connect(transport);
    return await use(client);
  } finally {
    await client.close();
    await sandbox.close();
  }
}

/** Returns the environment of a bridge to a sandbox: no home, so neither a configuration nor stored files. */
export function environmentOf({ url, credentials }) {
  const nowhere = join(tmpdir(), 'dify-mcp-bridge-without-home');
  return {
    PATH: process.env.PATH ?? '',
    HOME: nowhere,
    XDG_CONFIG_HOME: nowhere,
    DIFY_BRIDGE_FILES_STORE: 'memory',
    DIFY_BRIDGE_TOOLS_HAND_OFF: 'off',
    DIFY_API_URL: url,
    DIFY_INNER_API_KEY: credentials.innerApiKey,
    DIFY_ADMIN_API_KEY: credentials.adminApiKey,
    DIFY_WORKSPACE_ID: credentials.workspaceId,
    DIFY_SECRET_KEY: credentials.secretKey,
  };
}

export async function listTools(client) {
  const listed = [];
  let cursor;
  do {
    const page = await client.listTools({ cursor });
    listed.push(...page.tools);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return listed;
}

/** The schemas that MCP servers and OpenAPI documents really have, each inside an object, as Dify passes them on. */
function awkwardProvider() {
  const schemas = JSON.parse(readFileSync(pathOf('../../test/fixtures/schemas/awkward.json'), 'utf8'));
  return mcpProvider({
    serverIdentifier: 'awkward',
    databaseId: '5a4db0c5-0000-4000-8000-0000000000e1',
    name: 'Awkward',
    tools: Object.entries(schemas).map(([name, schema]) => ({
      name: name.replaceAll(/\W+/g, '_').slice(0, 30),
      description: name,
      inputSchema: { type: 'object', properties: { given: given(schema) }, required: ['given'] },
      run: () => ({ content: [] }),
    })),
  });
}

/** References begin at the schema that Dify passes on. */
function given(schema) {
  const { $defs, components, ...own } = schema;
  const value = typeof schema === 'boolean' ? schema : own;
  const properties = { value, values: { type: 'array', items: value } };
  return { type: 'object', properties, required: ['value'], $defs, components };
}

/**
 * Returns the plugins of a file of declarations, one a line. Those in `withoutCredentials` need credentials that the
 * workspace lacks.
 */
export function declaredProviders(file, withoutCredentials = []) {
  const byId = new Map();
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const tool = JSON.parse(line);
    const id = `${tool.plugin}/${tool.provider}`;
    byId.set(id, [...(byId.get(id) ?? []), tool]);
  }
  return [...byId].map(([id, tools]) =>
    builtinProvider(id, {
      label: tools[0].provider,
      description: id,
      credentialFields: withoutCredentials.includes(id) ? ['api_key'] : [],
      tools: tools.map(({ name, label, description_llm: description, parameters }) =>
        defineTool(
          name,
          { label: label.en_US, description, parameters: parameters.map(declaredParameter) },
          async function* () {},
        ),
      ),
    }),
  );
}

function declaredParameter(yaml) {
  const {
    name,
    type,
    form,
    required,
    llm_description: llm,
    default: fallback,
    min,
    max,
    options = [],
  } = yaml;
  const text = (value) => localized(value?.en_US ?? '', value ?? {});
  return {
    ...parameter(name, { type, form, required, llm: llm ?? '', default: fallback ?? null, min, max }),
    human_description: text(yaml.human_description),
    options: options.map(({ value, label }) => ({ value: String(value), label: text(label), icon: null })),
  };
}
