import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { difyConnection } from '../../../src/config/connection.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { configFileSchema } from '../../../src/config/schema.ts';
import { viewsOf } from '../../../src/config/views.ts';
import { BridgeError } from '../../../src/model/errors.ts';

const ID = '11111111-2222-4333-8444-555555555555';
const HOME = mkdtempSync(join(tmpdir(), 'bridge-home-'));

function fileWith(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'bridge-views-')), 'bridge.yaml');
  writeFileSync(path, content);
  return path;
}

const load = (content: string, env: Record<string, string> = {}) =>
  loadConfig({ needsDify: false, file: fileWith(content), env: { HOME, ...env } });

async function problemsOf(content: string, env: Record<string, string> = {}): Promise<string[]> {
  const error = await load(content, env).catch((thrown: unknown) => thrown);
  if (!(error instanceof BridgeError)) throw new Error('The configuration was accepted.');
  return error.problems.map(
    ({ path, message }) => `${path.replace(/^file .*bridge\.yaml:/, '')}: ${message}`,
  );
}

const accepts = new Ajv({ strict: false }).compile(configFileSchema());

const WHOLE = `
tools:
  allow: ['acme_*', { provider: 'acme/*', type: builtin }]
  deny: ['*delete*', { label: search }]
  pinned: [acme_web__search]
  readOnly: true
  maxTools: 20
  mode: auto
  auto: { tools: 50 }
  handOff: { withProgress: true }
  languages: [de_DE, en_US]
  aliases: { old: acme_web__search }
  presets:
    'acme_*':
      parameters: { region: eu }
      readOnly: true
    acme_web__search:
      publish: [count]
      narrow:
        count: { maximum: 10, description: How many. }
        mode: { enum: [fast, 1] }
      credential: Team
      title: Search
      description: Searches.
      idempotent: true
views:
  small:
    maxTools: 5
    deny: []
    auto: { tokens: 100 }
    handOff: { after: off }
    limits: { ratePerView: 30, callsPerView: 2 }
  writers:
    readOnly: false
    presets: {}
    mode: search
    handOff: 20s
  plain:
`;

describe('views', () => {
  it('take from tools what they do not give, and replace what they give', async () => {
    const { config } = await load(WHOLE);
    const views = viewsOf(config);
    expect([...views.keys()]).toEqual(['default', 'small', 'writers', 'plain']);
    expect(views.get('default')).toEqual({ ...config.tools, limits: config.limits });
    expect(config.tools.auto).toEqual({ tools: 50, tokens: 20_000 });
    expect(config.tools.handOff).toEqual({ after: 50_000, withProgress: true });
    const { at: _small, ...small } = views.get('small') ?? {};
    expect(small).toEqual({
      ...config.tools,
      maxTools: 5,
      deny: [],
      auto: { tools: 50, tokens: 100 },
      handOff: { after: 'off', withProgress: true },
      limits: { ...config.limits, ratePerView: 30, callsPerView: 2 },
    });
    expect(views.get('writers')).toMatchObject({
      readOnly: false,
      presets: {},
      mode: 'search',
      maxTools: 20,
      handOff: { after: 20_000, withProgress: true },
    });
    const { at, ...plain } = views.get('plain') ?? {};
    expect({ at, plain }).toEqual({ at: {}, plain: views.get('default') });
  });

  it('know the paths of their settings', async () => {
    const { config } = await load(WHOLE);
    expect(viewsOf(config).get('small')?.at).toEqual({
      maxTools: 'views.small.maxTools',
      deny: 'views.small.deny',
      auto: 'views.small.auto',
      handOff: 'views.small.handOff',
      limits: 'views.small.limits',
    });
  });

  it('are none where the file has none', async () => {
    for (const content of ['', 'views:\n', 'views: {}\n']) {
      expect([...viewsOf((await load(content)).config).keys()]).toEqual(['default']);
    }
  });

  it('have rules from the environment, as globs', async () => {
    const { config } = await load('', {
      DIFY_BRIDGE_TOOLS_ALLOW: 'acme_*, time__*',
      DIFY_BRIDGE_TOOLS_DENY: '*delete*',
      DIFY_BRIDGE_TOOLS_READ_ONLY: 'yes',
      DIFY_BRIDGE_TOOLS_MAX_TOOLS: '7',
      DIFY_BRIDGE_TOOLS_MODE: 'auto',
    });
    expect(config.tools).toMatchObject({
      allow: ['acme_*', 'time__*'],
      deny: ['*delete*'],
      readOnly: true,
      maxTools: 7,
      mode: 'auto',
    });
  });

  it.each([
    ['views:\n  small:\n    denny: []\n', '3 views.small.denny: no such setting; did you mean deny?'],
    [
      'views:\n  small:\n    allow:\n      - provder: a\n',
      '4 views.small.allow.0.provder: no such setting; did you mean provider?',
    ],
    [
      'views:\n  small:\n    presets:\n      a:\n        narrow:\n          p: { max: 5 }\n',
      '6 views.small.presets.a.narrow.p.max: no such setting; did you mean maximum?',
    ],
    [
      'views:\n  small:\n    auto: { tool: 5 }\n',
      '3 views.small.auto.tool: no such setting; did you mean tools?',
    ],
    [
      'tools:\n  handOffWithProgress: true\n',
      '2 tools.handOffWithProgress: no such setting; did you mean handOff?',
    ],
    ['tools:\n  handOff: { afer: 5s }\n', '2 tools.handOff.afer: no such setting; did you mean after?'],
    ['tools:\n  auto: { token: 5 }\n', '2 tools.auto.token: no such setting; did you mean tokens?'],
    ['tools:\n  allow: [{ tpye: mcp }]\n', '2 tools.allow.0.tpye: no such setting; did you mean type?'],
    [
      'tools:\n  presets:\n    a: { readonly: true }\n',
      '3 tools.presets.a.readonly: no such setting; did you mean readOnly?',
    ],
    ['view:\n  small: {}\n', '1 view: no such setting; did you mean views?'],
    ['views:\n  Small Team: {}\n', '2 views.Small Team: the name of a view has at most 32 of a-z, 0-9 and -'],
    ['views:\n  default: {}\n', '2 views.default: the default view is described under tools'],
    ['views: [small]\n', '1 views: expected settings, each as "name: value"'],
    ['views:\n  small: 5\n', '2 views.small: expected settings, each as "name: value"'],
    [
      'views:\n  small: { maxTools: 0 }\n',
      '2 views.small.maxTools: expected a whole number from 1 to 100000',
    ],
    [
      'tools:\n  allow: acme\n',
      '2 tools.allow: expected a list (in an environment variable, separated by commas)',
    ],
    [
      'tools:\n  allow: [5]\n',
      '2 tools.allow.0: expected a name with * and ? as wildcards (in quotes), or name, provider, tool, type, label',
    ],
    [
      'tools:\n  allow: [{ type: plugin }]\n',
      '2 tools.allow.0.type: expected one of builtin, workflow, api, mcp',
    ],
    [
      'tools:\n  deny: [{}]\n',
      '2 tools.deny.0: expected at least one of name, provider, tool, type and label',
    ],
    [
      'tools:\n  presets:\n    a: { narrow: { p: { minimum: 5, maximum: 1 } } }\n',
      '3 tools.presets.a.narrow.p: minimum is larger than maximum',
    ],
    [
      'tools:\n  presets:\n    a: { narrow: { p: { enum: [] } } }\n',
      '3 tools.presets.a.narrow.p.enum: expected at least one value',
    ],
    [
      `tools:\n  presets:\n    a: { credential: Team, credentialId: ${ID} }\n`,
      '3 tools.presets.a: credential and credentialId name the same thing: give one of them',
    ],
    [
      'tools:\n  presets:\n    a: { readOnly: true, destructive: true }\n',
      '3 tools.presets.a: readOnly and destructive exclude each other',
    ],
    ['tools:\n  aliases: { old: 5 }\n', '2 tools.aliases.old: expected text (in the file, put it in quotes)'],
    [
      'manifest: { frozen: true }\n',
      '1 manifest.frozen: needs manifest.dir (--manifest), the folder with the approved tools, got true',
    ],
  ])('%j is refused with its line', async (content, expected) => {
    expect(await problemsOf(content)).toEqual([expected]);
  });

  it('are described by the published schema as they are checked', async () => {
    expect(accepts(parse(WHOLE.replace('  plain:\n', '')))).toBe(true);
    for (const content of [
      'views: { small: { denny: [] } }',
      'tools: { allow: [{ provder: a }] }',
      'tools: { presets: { a: { narrow: { p: { max: 5 } } } } }',
      'views: { Small: {} }',
      'tools: { allow: [{ type: plugin }] }',
    ]) {
      expect({ content, accepted: accepts(parse(content)) }).toEqual({ content, accepted: false });
      expect(await problemsOf(content)).toHaveLength(1);
    }
  });
});

describe('a manifest', () => {
  const DIFY = { DIFY_API_URL: 'http://dify.test', DIFY_INNER_API_KEY: 'fake-key', DIFY_WORKSPACE_ID: ID };
  const loaded = (env: Record<string, string>) =>
    loadConfig({ needsDify: true, env: { HOME, ...env }, flags: {} });

  it('does without what lists the tools', async () => {
    await expect(loaded(DIFY)).rejects.toMatchObject({ problems: [{ path: 'dify.adminApiKey' }] });
    const { config } = await loaded({
      ...DIFY,
      DIFY_BRIDGE_MANIFEST: 'approved',
      DIFY_BRIDGE_MANIFEST_FROZEN: '1',
    });
    expect(config.manifest).toEqual({ dir: 'approved', frozen: true });
    expect(difyConnection(config).console).toBeUndefined();
    const listed = await loaded({
      ...DIFY,
      DIFY_BRIDGE_MANIFEST: 'approved',
      DIFY_ADMIN_API_KEY: 'fake-admin',
    });
    expect(difyConnection(listed.config).console).toMatchObject({ kind: 'admin-key' });
  });

  it('still asks for the other half of a login', async () => {
    const half = { ...DIFY, DIFY_BRIDGE_MANIFEST: 'approved', DIFY_EMAIL: 'a@dify.test' };
    await expect(loaded(half)).rejects.toMatchObject({ problems: [{ path: 'dify.password' }] });
  });
});
