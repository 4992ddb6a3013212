import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = resolve(fileURLToPath(import.meta.url), '../../../src');

/** Which rooms a room may import besides itself; `*` is all. Data flows one way: see docs/architecture.md. */
const ROOMS: Readonly<Record<string, readonly string[] | '*'>> = {
  model: [],
  config: ['model'],
  dify: ['model'],
  catalog: ['model', 'dify'],
  registry: ['model'],
  search: ['model', 'registry'],
  manifest: ['model'],
  calls: ['model'],
  content: ['model'],
  store: ['model'],
  remote: ['model'],
  redis: ['model'],
  jobs: ['model', 'registry'],
  mcp: ['model'],
  http: ['model', 'mcp'],
  observability: ['model'],
  sandbox: ['model'],
  setup: ['model', 'dify'],
  clients: ['model'],
  cli: '*',
  '.': '*',
};

/** The rooms that own a package: nobody else imports it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@clack/prompts': ['cli'],
  '@hono/node-server': ['sandbox'],
  '@modelcontextprotocol/client': ['cli'],
  '@modelcontextprotocol/node': ['http'],
  '@modelcontextprotocol/server': ['mcp', 'http'],
  '@redis/client': ['redis'],
  commander: ['cli'],
  'file-type': ['content'],
  hono: ['sandbox'],
  'ipaddr.js': ['remote'],
  'jsonc-parser': ['clients'],
  minisearch: ['search'],
  pino: ['observability'],
  undici: ['dify'],
  yaml: ['config', 'manifest'],
  zod: ['config', 'manifest'],
  'zod/v3': ['registry'],
  'zod-to-json-schema': ['registry'],
};

/** Files that stay above the limit, with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(SRC, file));
}

function roomOf(file: string): string {
  return dirname(relative(SRC, file)).split('/')[0] ?? '.';
}

function importsOf(file: string, text: string): Import[] {
  const pattern = /^(?:import|export)\b[^;']*from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...text.matchAll(pattern)].map(([, named, bare, dynamic]) => {
    return { file, room: roomOf(file), target: named ?? bare ?? dynamic ?? '' };
  });
}

/** What an import breaks; undefined when it is allowed. */
function offence({ file, room, target }: Import): string | undefined {
  const name = relative(SRC, file);
  if (target.startsWith('.')) {
    const other = roomOf(resolve(dirname(file), target));
    // The version and the types of the app are the root's, which `cli` may import.
    const allowed = ROOMS[room];
    if (allowed === undefined) return `${name} lies in no known room`;
    if (allowed === '*' || other === room || allowed.includes(other)) return undefined;
    return `${name} imports ${other}/, which ${room}/ may not`;
  }
  if (target.startsWith('node:')) return undefined;
  const packageName = Object.keys(PACKAGES)
    .sort((a, b) => b.length - a.length)
    .find((owned) => target === owned || target.startsWith(`${owned}/`));
  if (packageName === undefined) return `${name} imports ${target}, which belongs to no room`;
  return PACKAGES[packageName]?.includes(room)
    ? undefined
    : `${name} imports ${target}, which is not ${room}/'s`;
}

/** The rows of the table in a page whose head begins so, as their cells. */
function rowsOf(page: string, head: string): string[][] {
  const [, table = ''] = page.split(`\n${head}`);
  const [rows = ''] = table.split('\n\n');
  return rows
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** What stands in backticks. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

describe('architecture', () => {
  const files = sources();
  const imports = files.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

  it('has looked at the whole source', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(ROOMS).sort());
  });

  it('lets data flow one way between rooms, and each package belong to one', () => {
    expect(imports.map(offence).filter((found) => found !== undefined)).toEqual([]);
  });

  it('would notice an import against the flow, a foreign package and an unknown one', () => {
    const file = join(SRC, 'registry/build.ts');
    const probe = (target: string) => offence({ file, room: 'registry', target });
    expect(probe('../mcp/server.ts')).toContain('imports mcp/');
    expect(probe('undici')).toContain("is not registry/'s");
    expect(probe('left-pad')).toContain('belongs to no room');
    expect(probe('zod')).toContain("is not registry/'s");
    expect(probe('zod/v3')).toBeUndefined();
  });

  it('owns exactly the packages that are installed', () => {
    const manifest = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    const used = Object.keys(PACKAGES).filter((name) => name !== 'zod/v3');
    // The demo's client is bundled into the program and so no dependency of the package.
    expect(manifest.devDependencies).toHaveProperty(['@modelcontextprotocol/client']);
    const runtime = used.filter((name) => name !== '@modelcontextprotocol/client').sort();
    expect(Object.keys(manifest.dependencies).sort()).toEqual(runtime);
    for (const name of used) {
      expect(
        imports.some(({ target }) => target === name || target.startsWith(`${name}/`)),
        name,
      ).toBe(true);
    }
  });

  it('is what docs/architecture.md says', () => {
    const text = readFileSync(join(SRC, '../docs/architecture.md'), 'utf8');
    const rooms = rowsOf(text, '| folder |').map(([cell = '']) => (namesIn(cell)[0] ?? '').replace('/', ''));
    expect(rooms.filter((name) => name !== 'app.ts').sort()).toEqual(
      Object.keys(ROOMS)
        .filter((name) => name !== '.')
        .sort(),
    );
    const owned = rowsOf(text, '| package | room |').map(([name = '', room = '', why = '']) => {
      expect({ name, why }).toEqual({ name, why: expect.stringMatching(/\w/) });
      return [namesIn(name)[0], room.split(', ')];
    });
    expect(Object.fromEntries(owned)).toEqual(PACKAGES);

    const { devDependencies } = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const tools = rowsOf(text, '| package | why |').flatMap(([cell = '']) => namesIn(cell));
    expect(tools).toEqual(Object.keys(devDependencies).filter((name) => PACKAGES[name] === undefined));
  });

  it('keeps every file below 400 lines', () => {
    const long = files
      .filter((file) => readFileSync(file, 'utf8').split('\n').length > 400)
      .map((file) => relative(SRC, file));
    expect(long).toEqual(Object.keys(LONG_FILES));
  });

  it('keeps folders flat and without odds and ends', () => {
    const nested = files.map((file) => relative(SRC, file)).filter((file) => file.split('/').length > 2);
    expect(nested).toEqual([]);
    expect(files.filter((file) => /\b(utils?|helpers?|common|misc)\.ts$/.test(file))).toEqual([]);
  });
});
