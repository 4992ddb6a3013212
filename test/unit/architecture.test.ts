import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = resolve(fileURLToPath(import.meta.url), '../../../src');

/** What each folder may import; `*` is everything. Data flows one way: see docs/architecture.md. */
const FOLDERS: Readonly<Record<string, readonly string[] | '*'>> = {
  model: [],
  config: ['model'],
  observability: ['model'],
  dify: ['model'],
  logins: ['model', 'dify'],
  catalog: ['model', 'dify'],
  registry: ['model'],
  search: ['model', 'registry'],
  manifest: ['model', 'config'],
  content: ['model'],
  calls: ['model', 'content'],
  redis: ['model'],
  files: ['model', 'redis'],
  tasks: ['model', 'redis', 'registry', 'calls'],
  view: ['model', 'config', 'registry', 'search', 'manifest', 'calls', 'tasks'],
  mcp: ['model'],
  oauth: ['model'],
  http: ['model', 'redis', 'mcp'],
  sandbox: ['model'],
  admin: ['model', 'http'],
  setup: ['model', 'dify', 'logins'],
  signin: ['model', 'redis', 'dify', 'logins', 'files', 'setup'],
  clients: ['model'],
  app: '*',
  cli: '*',
  '.': '*',
};

/** The folders inside folders; every other folder is flat. */
const SUBFOLDERS = [
  'cli/commands',
  'dify/account',
  'dify/console',
  'dify/files',
  'dify/inner',
  'dify/wire',
  'files/backends',
];

/** The folders that own a package: no other folder imports it. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@clack/prompts': ['cli'],
  '@hono/node-server': ['sandbox'],
  '@modelcontextprotocol/client': ['cli'],
  '@modelcontextprotocol/node': ['http'],
  '@modelcontextprotocol/server': ['mcp', 'http'],
  '@opentelemetry/api': ['observability'],
  '@redis/client': ['redis', 'files'],
  cockatiel: ['calls'],
  commander: ['cli'],
  'fast-string-width': ['cli'],
  'fast-wrap-ansi': ['cli'],
  diff: ['clients', 'manifest'],
  'file-type': ['content'],
  'image-size': ['content'],
  hono: ['sandbox'],
  'ipaddr.js': ['files'],
  jose: ['oauth'],
  'jsonc-parser': ['clients'],
  'lossless-json': ['model'],
  minisearch: ['search'],
  'oidc-provider': ['signin'],
  pino: ['observability'],
  'prom-client': ['observability'],
  'rate-limiter-flexible': ['calls', 'signin'],
  undici: ['dify'],
  yaml: ['config', 'manifest'],
  zod: ['config', 'manifest'],
  'any-ascii': ['registry'],
  'zod/v3': ['registry'],
  'zod-to-json-schema': ['registry'],
};

/** Folders of tests that are not about one folder of the source. */
const TEST_FOLDERS = ['manifests', 'scripts'];

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly target: string;
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(SRC, file));
}

function folderOf(file: string): string {
  return dirname(relative(SRC, file)).split('/')[0] ?? '.';
}

function importsOf(file: string, text: string): Import[] {
  const pattern = /^(?:import|export)\b[^;']*from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...text.matchAll(pattern)].map(([, named, bare, dynamic]) => {
    return { file, folder: folderOf(file), target: named ?? bare ?? dynamic ?? '' };
  });
}

/** What an import breaks; undefined when it is allowed. */
function offence({ file, folder, target }: Import): string | undefined {
  const name = relative(SRC, file);
  if (target.startsWith('.')) {
    const other = folderOf(resolve(dirname(file), target));
    const allowed = FOLDERS[folder];
    if (allowed === undefined) return `${name} is in no known folder`;
    if (allowed === '*' || other === folder || allowed.includes(other)) return undefined;
    return `${name} imports ${other}/, which ${folder}/ may not`;
  }
  if (target.startsWith('node:')) return undefined;
  const packageName = Object.keys(PACKAGES)
    .sort((a, b) => b.length - a.length)
    .find((owned) => target === owned || target.startsWith(`${owned}/`));
  if (packageName === undefined) return `${name} imports ${target}, which belongs to no folder`;
  return PACKAGES[packageName]?.includes(folder)
    ? undefined
    : `${name} imports ${target}, which is not ${folder}/'s`;
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

/** Returns the text in backticks. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

/** Files that import each other, directly or through others: each group once, in order. */
function circles(files: readonly string[], imports: readonly Import[]): string[] {
  const targets = new Map(files.map((file) => [file, new Set<string>()]));
  for (const { file, target } of imports) {
    if (target.startsWith('.')) targets.get(file)?.add(resolve(dirname(file), target));
  }
  /** Everything that a file reaches through its imports. */
  const reachable = (start: string): Set<string> => {
    const seen = new Set<string>();
    const open = [start];
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      for (const next of targets.get(file) ?? []) {
        if (!seen.has(next)) {
          seen.add(next);
          open.push(next);
        }
      }
    }
    return seen;
  };
  const reached = new Map(files.map((file) => [file, reachable(file)]));
  const inCircle = files.filter((file) => reached.get(file)?.has(file));
  const groups = inCircle.map((file) =>
    inCircle
      .filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file))
      .map((one) => relative(SRC, one)),
  );
  return [...new Set(groups.map((group) => group.sort().join(' ')))].sort();
}

describe('architecture', () => {
  const files = sources();
  const imports = files.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

  it('has looked at the whole source', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
    expect([...new Set(files.map(folderOf))].sort()).toEqual(Object.keys(FOLDERS).sort());
  });

  it('lets data flow one way between folders, and each package belong to one', () => {
    expect(imports.map(offence).filter((found) => found !== undefined)).toEqual([]);
  });

  it('would notice an import against the flow, a foreign package and an unknown one', () => {
    const file = join(SRC, 'registry/build.ts');
    const probe = (target: string) => offence({ file, folder: 'registry', target });
    expect(probe('../mcp/server.ts')).toContain('imports mcp/');
    expect(probe('undici')).toContain("is not registry/'s");
    expect(probe('left-pad')).toContain('belongs to no folder');
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
    const folders = rowsOf(text, '| folder |').map(([cell = '']) =>
      (namesIn(cell)[0] ?? '').replace('/', ''),
    );
    expect(folders.sort()).toEqual(
      Object.keys(FOLDERS)
        .filter((name) => name !== '.')
        .sort(),
    );
    const owned = rowsOf(text, '| package | folder |').map(([name = '', folder = '', why = '']) => {
      expect({ name, why }).toEqual({ name, why: expect.stringMatching(/\w/) });
      return [namesIn(name)[0], folder.split(', ')];
    });
    expect(Object.fromEntries(owned)).toEqual(PACKAGES);

    const { devDependencies } = JSON.parse(readFileSync(join(SRC, '../package.json'), 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    const tools = rowsOf(text, '| package | why |').flatMap(([cell = '']) => namesIn(cell));
    expect(tools).toEqual(Object.keys(devDependencies).filter((name) => PACKAGES[name] === undefined));
  });

  it('keeps every file at 300 lines or fewer', () => {
    const long = files
      .filter((file) => readFileSync(file, 'utf8').trimEnd().split('\n').length > 300)
      .map((file) => relative(SRC, file));
    expect(long).toEqual([]);
  });

  it('has no circle of imports between files, and at most seven floors of folders', () => {
    expect(circles(files, imports)).toEqual([]);
    const rules = Object.entries(FOLDERS).filter(([, allowed]) => allowed !== '*');
    const floor = (folder: string): number => {
      const allowed = FOLDERS[folder];
      return Array.isArray(allowed) && allowed.length > 0 ? 1 + Math.max(...allowed.map(floor)) : 1;
    };
    // `app`, `cli` and the root are the two floors above all others.
    expect(Math.max(...rules.map(([folder]) => floor(folder))) + 2).toBeLessThanOrEqual(7);
  });

  it('would notice a circle', () => {
    const [a, b, c] = ['a.ts', 'b.ts', 'c.ts'].map((name) => join(SRC, name)) as [string, string, string];
    const link = (file: string, target: string): Import => ({ file, folder: '.', target });
    expect(circles([a, b, c], [link(a, './b.ts'), link(b, './c.ts'), link(c, './b.ts')])).toEqual([
      'b.ts c.ts',
    ]);
  });

  it('keeps folders flat but for the named ones, and without odds and ends', () => {
    const inner = new Set(
      files.map((file) => dirname(relative(SRC, file))).filter((folder) => folder.includes('/')),
    );
    expect([...inner].sort()).toEqual(SUBFOLDERS);
    expect(
      files.filter((file) => /\b(utils?|helpers?|common|misc)\.ts$|\/app-[^/]*\.ts$/.test(file)),
    ).toEqual([]);
  });

  it('is mirrored by the unit tests', () => {
    const unit = join(SRC, '../test/unit');
    const folders = readdirSync(unit, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const ownFolders = folders.map(({ name }) => name).filter((name) => !TEST_FOLDERS.includes(name));
    expect(ownFolders.filter((name) => FOLDERS[name] === undefined)).toEqual([]);
  });
});
