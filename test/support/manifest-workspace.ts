import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Manifest } from '../../src/manifest/manifest.ts';
import { readManifest } from '../../src/manifest/read.ts';
import { writeManifest } from '../../src/manifest/write.ts';
import type { Registry } from '../../src/model/registry.ts';
import type { ToolProvider } from '../../src/model/tool.ts';
import type { RegistryRules } from '../../src/registry/rules.ts';
import { english, options, parameter, provider, registryOf, tool } from './declarations.ts';

/** An empty folder. */
export const folder = (): string => mkdtempSync(join(tmpdir(), 'bridge-manifest-'));

/** Invisible characters, and characters that hide or reverse their neighbours. */
export const HIDDEN = 'Safe\u202Eelbairav\u202C zero\u200Bwidth \u{E0041}tag \u00A0nbsp \uFEFF';

/** Providers of every type with parameters of every kind, and what else can go into a declaration. */
export const WORKSPACE: readonly ToolProvider[] = [
  provider(
    'acme/weather/weather',
    [
      tool('now', [
        parameter('city', { required: true, llmDescription: 'A city: "Oslo", or #1.\nIn any language.' }),
        parameter('days', { type: 'number', default: 3, min: 1, max: 14 }),
        parameter('unit', { type: 'select', options: options('celsius', 'fahrenheit'), default: 'celsius' }),
        parameter('fine', { type: 'boolean', default: false }),
        parameter('team', { type: 'select', form: 'form', required: true, options: options('a', 'b') }),
        parameter('key', { type: 'secret-input', form: 'form' }),
        parameter('list', { type: 'select', multiple: true, options: options('x', 'y') }),
        parameter('photo', { type: 'file' }),
        parameter('pages', { type: 'files' }),
        parameter('free', { type: 'any', default: { deep: [1, -0.5, 1e21, null, 'no', '1', true] } }),
        parameter('strange name!', { type: 'unheard-of', form: 'schema' }),
      ]),
      tool('hidden', [parameter('q', { llmDescription: HIDDEN })], {
        label: english(HIDDEN),
        description: { en_US: HIDDEN, zh_Hans: '天气　预报', ja_JP: '' },
      }),
      tool('emoji', [], {
        description: english('Sun ☀️ and family 👩‍👩‍👧\n\ttabbed\n\n  indented\ntrailing  '),
      }),
      tool('many', [], { description: { zh_Hans: '没有英文' }, label: {} }),
    ],
    { tags: ['weather', 'utilities'], description: english('Weather of today.') },
  ),
  provider('Acme/UPPER/Case', [tool('run')], { authorized: false }),
  provider(
    '9c0de1aa-1111-4222-8333-444455556666',
    [tool('getPet'), tool('a tool with a name too long for a name')],
    {
      type: 'api',
      name: 'Pet store: 東京',
    },
  ),
  provider(
    '0a2b6f1e-1111-4222-8333-444455556666',
    [
      tool('report', [parameter('text', { required: true })], {
        outputSchema: { type: 'object', properties: { total: { type: 'number', description: 'Sum' } } },
      }),
    ],
    { type: 'workflow', name: 'Report' },
  ),
  provider(
    'my-server',
    [
      tool('mixed', [
        parameter('filter', {
          type: 'object',
          inputSchema: {
            type: 'object',
            properties: {
              'a.b c': { type: ['string', 'null'], description: 'odd key' },
              yes: { enum: ['on', 'off', 'null', '~', '0x1f', '1_000', '2026-11-22', ''] },
            },
            required: ['yes'],
          },
        }),
      ]),
    ],
    { type: 'mcp', name: 'My server' },
  ),
];

/** The workspace with a value for each parameter that an operator has to fill. */
export const RULES: Partial<RegistryRules> = {
  presets: { acme_weather__now: { parameters: { team: 'a' } } },
};

/** Writes a registry to a new folder and reads it again. */
export async function written(
  providers: readonly ToolProvider[] = WORKSPACE,
  rules: Partial<RegistryRules> = RULES,
  dir = folder(),
): Promise<{ dir: string; registry: Registry; manifest: Manifest }> {
  const registry = registryOf(providers, rules);
  await writeManifest(dir, registry, providers);
  return { dir, registry, manifest: await readManifest(dir) };
}

/** The files of a folder and their contents. */
export function contents(dir: string): Record<string, string> {
  const files = readdirSync(dir, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(dir, name), 'utf8')]));
}

/** What clients see of a registry. */
export function published({ tools }: Registry): unknown[] {
  return tools.map(
    ({ name, title, description, inputSchema, outputSchema, annotations, ref, authorized }) => ({
      name,
      title,
      description,
      inputSchema,
      outputSchema,
      annotations,
      ref,
      authorized,
    }),
  );
}
