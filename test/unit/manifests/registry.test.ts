import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configFileSchema } from '../../../src/config/schema.ts';
import type { Setting } from '../../../src/config/setting.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { type ServerJson, serverJson } from '../../support/server-json.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const FILE = resolve(ROOT, 'manifests/registry/server.json');

const about = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly mcpName: string;
  readonly version: string;
  readonly description: string;
  readonly repository: { readonly url: string };
};

const FORMATS: Partial<Record<Setting['kind'], 'number' | 'boolean'>> = {
  number: 'number',
  boolean: 'boolean',
};

function choicesOf(path: string): readonly string[] | undefined {
  const [group = '', name = ''] = path.split('.');
  const { properties } = configFileSchema() as {
    properties: Record<string, { properties?: Record<string, { enum?: string[] }> }>;
  };
  return properties[group]?.properties?.[name]?.enum;
}

/** A default that a variable can have: no list, no object, and not the empty text. */
function isPlain(value: unknown): value is string | number | boolean {
  return value !== '' && ['string', 'number', 'boolean'].includes(typeof value);
}

type Variable = ServerJson['packages'][number]['environmentVariables'][number];

/** A setting as the registry describes a variable. Lists and objects have no default that fits in there. */
function variable(setting: Setting): Variable[] {
  const { path, env, description, secret, kind, default: value } = setting;
  if (env === undefined) return [];
  const choices = choicesOf(path);
  return [
    {
      name: env,
      description,
      ...(secret && { isSecret: true }),
      format: FORMATS[kind] ?? 'string',
      ...(isPlain(value) && { default: String(value) }),
      ...(choices !== undefined && { choices: [...choices] }),
    },
  ];
}

/** What package.json and the table of settings make of it. The package runs on stdio, so settings of HTTP, replicas and the admin port are not there. */
function expected(): ServerJson {
  const { name, mcpName, version, description, repository } = about;
  return {
    $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    name: mcpName,
    title: 'Dify tools',
    description,
    version,
    repository: { url: repository.url.replace(/^git\+|\.git$/g, ''), source: 'github' },
    packages: [
      {
        registryType: 'npm',
        identifier: name,
        version,
        runtimeHint: 'npx',
        transport: { type: 'stdio' },
        packageArguments: [{ type: 'positional', value: 'serve' }],
        environmentVariables: settingsTable()
          .filter(({ path }) => !/^(http|state|admin|signIn)\./.test(path))
          .flatMap(variable),
      },
    ],
  };
}

describe('server.json of the MCP registry', () => {
  // `npm run docs` writes it; this compares.
  it('says what package.json and the table of settings say', async () => {
    await expect(`${JSON.stringify(expected(), null, 2)}\n`).toMatchFileSnapshot(FILE);
  });

  const read = (): ServerJson => JSON.parse(readFileSync(FILE, 'utf8')) as ServerJson;

  it('keeps the limits of the registry', () => {
    expect(serverJson.parse(read())).toEqual(read());
    expect(about.mcpName).toMatch(/^io\.github\.[a-z0-9-]+\/dify-mcp-bridge$/);
  });

  it('marks every secret, and only those', () => {
    const marked = read().packages.flatMap(({ environmentVariables }) =>
      environmentVariables.filter(({ isSecret }) => isSecret).map(({ name }) => name),
    );
    expect(marked).toEqual(['DIFY_INNER_API_KEY', 'DIFY_ADMIN_API_KEY', 'DIFY_PASSWORD', 'DIFY_SECRET_KEY']);
  });

  it.each<[string, (server: ServerJson) => object]>([
    ['a name without a namespace', (server) => ({ ...server, name: 'dify-mcp-bridge' })],
    ['a long description', (server) => ({ ...server, description: 'x'.repeat(101) })],
    ['a range of versions', (server) => ({ ...server, version: '^0.1.0' })],
    ['the version "latest"', (server) => ({ ...server, version: 'latest' })],
    ['a key that the registry does not know', (server) => ({ ...server, homepage: 'https://example.com' })],
    [
      'a variable twice',
      (server) => ({
        ...server,
        packages: server.packages.map((one) => ({
          ...one,
          environmentVariables: [...one.environmentVariables, ...one.environmentVariables],
        })),
      }),
    ],
  ])('would notice %s', (_title, change) => {
    expect(serverJson.safeParse(change(read())).success).toBe(false);
  });
});
