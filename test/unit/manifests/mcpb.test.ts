import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { OTHER_VARIABLES } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { decodePng } from '../../support/png.ts';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../../../manifests/mcpb');
const NOWHERE = join(tmpdir(), 'dify-mcp-bridge-without-home');

interface Field {
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly required?: boolean;
  readonly sensitive?: boolean;
}

const manifest = JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')) as {
  readonly icon: string;
  readonly long_description: string;
  readonly server: { readonly mcp_config: { readonly env: Readonly<Record<string, string>> } };
  readonly user_config: Readonly<Record<string, Field>>;
};
const { env } = manifest.server.mcp_config;

const TYPES: ReadonlySet<string> = new Set(['number', 'boolean']);

/** Each variable with the field that fills it. */
const filled = Object.entries(env).map(([name, value]) => {
  const key = /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1] ?? '';
  const field = manifest.user_config[key];
  return { name, key, field, setting: settingsTable().find((setting) => setting.env === name) };
});

describe('the bundle for Claude Desktop', () => {
  it('fills variables that there are, each from a field of its own, and has no other field', () => {
    const unknown = filled.filter(
      ({ name, setting }) => setting === undefined && !(OTHER_VARIABLES as readonly string[]).includes(name),
    );
    expect(unknown).toEqual([]);
    expect(filled.map(({ key }) => key)).toEqual(Object.keys(manifest.user_config));
  });

  it('asks for each with its type, and marks secrets', () => {
    for (const { name, field, setting } of filled) {
      const type = setting === undefined ? 'file' : TYPES.has(setting.kind) ? setting.kind : 'string';
      expect({ name, type: field?.type }).toEqual({ name, type });
      expect({ name, sensitive: field?.sensitive ?? false }).toEqual({
        name,
        sensitive: setting?.secret ?? false,
      });
    }
    // An account or keys: neither is required.
    expect(filled.filter(({ field }) => field?.required !== false)).toEqual([]);
  });

  it('says what the inner key opens', () => {
    expect(manifest.long_description).toContain('inner API key opens every workspace');
    expect(manifest.user_config['inner_api_key']?.description).toContain('every workspace');
  });

  it('has an icon of the recommended size', () => {
    const icon = decodePng(readFileSync(join(FOLDER, manifest.icon)));
    expect(icon).toMatchObject({ width: 512, height: 512 });
    expect(new Set(icon.rows).size).toBeGreaterThan(50);
  });
});

describe('a field that was left empty', () => {
  const left = Object.fromEntries(
    settingsTable().flatMap(({ env: name, secret }) =>
      name === undefined
        ? []
        : [name, ...(secret ? [`${name}_FILE`] : [])].map((one) => [one, `\${user_config.${one}}`]),
    ),
  );

  it('counts as missing, whatever the kind of its setting', async () => {
    const home = { HOME: NOWHERE, XDG_CONFIG_HOME: NOWHERE };
    const bare = await loadConfig({ env: home, needsDify: false });
    const literal = await loadConfig({
      env: { ...home, ...left, DIFY_BRIDGE_CONFIG: `\${user_config.config_file}` },
      needsDify: false,
    });
    expect(Object.keys(left).length).toBeGreaterThan(40);
    expect(literal.config).toEqual(bare.config);
    expect(literal.file).toBeUndefined();
    expect(literal.warnings.filter(({ message }) => message.includes('placeholder'))).toHaveLength(
      Object.keys(left).length,
    );
  });

  it('is named when the bridge cannot do without it', async () => {
    const attempt = loadConfig({
      env: { HOME: NOWHERE, XDG_CONFIG_HOME: NOWHERE, ...left },
      needsDify: true,
    });
    await expect(attempt).rejects.toMatchObject({
      code: 'config_invalid',
      hint: expect.stringContaining('env DIFY_API_URL'),
    });
  });
});
