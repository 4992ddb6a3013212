import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { commandBlocks, documentedCommands } from '../support/documented-commands.ts';
import { accountRoad, envFile } from '../support/env-file.ts';
import { cleanEnvironment, PROGRAM, ROOT } from '../support/program.ts';
import { sandboxEnv } from '../support/running-bridge.ts';

/** A command that is not run here, with what is checked of it instead: null, or what is wrong. */
interface Exception {
  readonly fits: RegExp;
  readonly reason: string;
  readonly problem: (command: string) => string | null;
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { scripts, version } = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  version: string;
};

const EXCEPTIONS: readonly Exception[] = [
  {
    fits: /^npm (ci|cit|test|run)\b/,
    reason: 'works on the checkout as a whole, as the tests that are running do',
    problem: (command) => {
      const named = [...command.matchAll(/npm run (\S+)/g)].map(([, name = '']) => name);
      return named.find((name) => scripts[name] === undefined) ?? null;
    },
  },
  {
    fits: /^npm (pack$|install --global )/,
    reason: 'changes the machine; the package is packed and installed in package.test.ts',
    problem: (command) => {
      const tarball = `./dify-mcp-bridge-${version}.tgz`;
      return command === 'npm pack' || command.endsWith(` ${tarball}`) ? null : `npm pack makes ${tarball}`;
    },
  },
  {
    fits: /^npx vitest run test\//,
    reason: 'is a run of tests, as this one is',
    problem: (command) => {
      const [, path = ''] = /(test\/\S+)/.exec(command) ?? [];
      return existsSync(join(ROOT, path)) ? null : `there is no ${path}`;
    },
  },
  {
    fits: /^npx changeset$/,
    reason: 'asks questions',
    problem: () => (existsSync(join(ROOT, '.changeset/config.json')) ? null : 'changesets are not set up'),
  },
  {
    fits: /^(sha256sum|shasum -a 256) --check /,
    reason: 'needs a release; the hash is checked in mcpb.test.ts',
    problem: (command) =>
      /dify-mcp-bridge-\d+\.\d+\.\d+\.mcpb\.sha256$/.test(command) ? null : 'no such file',
  },
  {
    fits: /^docker build /,
    reason: 'needs a Docker engine',
    problem: (command) => {
      const [, file = ''] = / -f (\S+)/.exec(command) ?? [];
      if (!existsSync(join(ROOT, file))) return `there is no ${file}`;
      return command.endsWith(' .') ? null : 'the context is not the checkout';
    },
  },
  {
    fits: /^docker run /,
    reason: 'needs a Docker engine; what the image starts is started in image.test.ts',
    problem: (command) => {
      const known = read('docs/configuration.md');
      const named = [...command.matchAll(/ -e (DIFY_\w+)/g)].map(([, name = '']) => name);
      return named.find((name) => !known.includes(`\`${name}\``)) ?? null;
    },
  },
  {
    fits: /^docker compose /,
    reason: "needs a Docker engine and Dify's stack; npm run check:manifests reads the same files",
    problem: (command) =>
      /^docker compose (-f docker-compose\.yaml -f compose\.dify|-f compose\.mcp)\.yaml (up -d|exec)\b/.test(
        command,
      )
        ? null
        : 'not the files that belong together',
  },
  {
    fits: /^kubectl (-n \S+ )?apply -k /,
    reason: 'needs a cluster; the overlays are rendered by npm run check:manifests',
    problem: (command) => {
      const [, folder = ''] = /-k (\S+)/.exec(command) ?? [];
      return existsSync(join(ROOT, folder, 'kustomization.yaml')) ? null : `there is no overlay ${folder}`;
    },
  },
  {
    fits: /^kubectl (-n \S+ )?create secret generic dify-mcp-bridge /,
    reason: 'needs a cluster',
    problem: (command) => {
      const given = [...command.matchAll(/--from-file=([\w-]+)=/g)].map(([, key = '']) => key);
      const keysIn = (file: string): (string | undefined)[] => {
        const deployment = parse(read(`manifests/kubernetes/${file}`)) as {
          spec: { template: { spec: { containers: [{ env: { value: string }[] }] } } };
        };
        return deployment.spec.template.spec.containers[0].env.map(({ value }) => value.split('/').at(-1));
      };
      const keysOf = (variables: Record<string, string>): (string | undefined)[] =>
        Object.keys(variables).flatMap((name) =>
          name.endsWith('_FILE') ? [variables[name]?.split('/').at(-1)] : [],
        );
      const text = read('manifests/kubernetes/overlays/single/bridge.env');
      const token = keysIn('base/deployment.yaml');
      const keys = [...keysOf(envFile(text)), ...token];
      const replicated = [...keys, ...keysIn('overlays/replicated/deployment.yaml')];
      const account = [...keysOf(accountRoad(text)), ...token];
      const isRight = [keys, replicated, account].some((wanted) => given.join() === wanted.join());
      return isRight ? null : `the pods read ${[keys, replicated, account].join(' or ')}`;
    },
  },
  {
    fits: /^kubectl (-n \S+ )?(rollout status|port-forward|logs|exec) /,
    reason: 'needs a cluster',
    problem: (command) =>
      / (deployment|service)\/dify-mcp-bridge\b/.test(command) ? null : 'it names another object',
  },
  {
    fits: /^dify-mcp-bridge reload$/,
    reason: 'needs a running bridge; it has one in reload.test.ts',
    problem: () => null,
  },
  {
    fits: /^curl -C - -O /,
    reason: 'needs a file that is kept; downloads and their ranges are tested in test/unit/http',
    problem: (command) =>
      /:8080\/files\/[\w-]{47}\/[\w.]+$/.test(command) ? null : 'not an address of a download',
  },
  {
    fits: /^mcp-publisher /,
    reason: 'is a program of the registry, and publishes',
    problem: (command) =>
      /^mcp-publisher (login github|publish manifests\/registry\/server\.json)$/.test(command)
        ? null
        : 'unknown',
  },
];

const NPX = `#!/bin/sh
[ "$1" = -y ] && shift
case "$1" in
  dify-mcp-bridge | dify-mcp-bridge@*) shift; exec dify-mcp-bridge "$@" ;;
esac
echo "npx would install $1" >&2
exit 97
`;

describe('the commands in the documentation', () => {
  let folder: string;
  let sandbox: Sandbox;
  let configured: Promise<string> | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dify-mcp-bridge-docs-'));
    await mkdir(join(folder, 'bin'));
    await symlink(PROGRAM, join(folder, 'bin/dify-mcp-bridge'));
    await writeFile(join(folder, 'bin/npx'), NPX, { mode: 0o755 });
    // The files of a reader belong to the user whom the container runs as.
    await writeFile(join(folder, 'bin/sudo'), '#!/bin/sh\n[ "$1" = chown ] || exec "$@"\n', { mode: 0o755 });
    sandbox = await createSandbox();
  });
  afterAll(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true });
  });

  const env = (home: string): NodeJS.ProcessEnv => {
    const base = cleanEnvironment(sandboxEnv(sandbox));
    return {
      ...base,
      BRIDGE: ROOT,
      HOME: home,
      XDG_CONFIG_HOME: home,
      // The compiled program, which would take a tenth of a second of every command.
      XDG_CACHE_HOME: join(base['HOME'] ?? '', '.cache'),
      TMPDIR: home,
      PATH: `${join(folder, 'bin')}:${base['PATH']}`,
    };
  };

  /** What `install` finds on the machine of a reader: a configuration, and the clients. */
  async function beforeInstall(home: string): Promise<void> {
    for (const client of ['Claude', '.cursor', 'Code/User']) {
      await mkdir(join(home, client), { recursive: true });
    }
    configured ??= init();
    await cp(await configured, home, { recursive: true });
  }

  /** Resolves with a folder that has the configuration that `init` writes. */
  async function init(): Promise<string> {
    const home = await mkdtemp(join(folder, 'configured-'));
    const child = spawn('dify-mcp-bridge', ['init', '--yes'], { env: env(home), stdio: 'ignore' });
    await new Promise((resolve) => child.once('close', resolve));
    return home;
  }

  /** A command in which the reader's Dify and account are those of the sandbox. */
  async function signedIn(command: string, home: string): Promise<string> {
    if (!/\bdify-mcp-bridge login\b/.test(command)) return command;
    const { email, password } = sandbox.credentials;
    const file = join(home, 'password');
    await writeFile(file, password);
    const full = command.endsWith(' login')
      ? `DIFY_PASSWORD_FILE=${file} ${command} ${sandbox.url} --email ${email} --yes`
      : command;
    return full
      .replace('https://dify.example.com', sandbox.url)
      .replace('bridge@example.com', email)
      .replace('/run/secrets/dify-password', file);
  }

  /** What goes wrong when a reader runs a command in a folder; null when it does what it should. */
  async function problemOf(command: string, home: string): Promise<string | null> {
    const exception = EXCEPTIONS.find(({ fits }) => fits.test(command));
    if (exception !== undefined) return exception.problem(command);
    if (/^(npx )?dify-mcp-bridge install /.test(command)) await beforeInstall(home);
    // Here nobody is asked.
    const asks = /^(npx )?dify-mcp-bridge (init|install)\b/.test(command);
    const answered = await signedIn(asks ? `${command} --yes` : command, home);
    const serves = /\bserve\b.* --http\b/.test(command);
    // A shell that ends with the bridge as its own process, and any port that is free.
    const line = serves ? `exec ${command.replace(/--port \d+/, '--port 0')}` : answered;
    const child = spawn('sh', ['-c', line], {
      cwd: home,
      env: env(home),
      stdio: ['pipe', 'ignore', 'pipe'],
      timeout: 60_000,
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
      // A second signal would end it at once.
      if (serves && !child.killed && errors.includes('Serving MCP')) child.kill('SIGTERM');
    });
    child.stdin.on('error', () => undefined).end();
    const code = await new Promise((resolve) => child.once('close', resolve));
    return code === 0 ? null : `${command}\nended with ${String(code)}: ${errors}`;
  }

  /** The first problem of commands that are run one after the other in a folder of their own. */
  async function firstProblem(commands: readonly string[]): Promise<string | null> {
    const home = await mkdtemp(join(folder, 'block-'));
    await writeFile(join(home, 'notes.txt'), 'Of the reader.\n');
    // Dify's own, in its folder docker/.
    await writeFile(join(home, '.env'), 'SECRET_KEY=fake-secret\nPLUGIN_DIFY_INNER_API_KEY=fake-inner\n');
    for (const command of commands) {
      const problem = await problemOf(command, home);
      if (problem !== null) return problem;
    }
    const secrets = join(home, 'mcp-bridge/secrets');
    if (!existsSync(secrets)) return null;
    const isWritten = (name: string, text: RegExp): boolean =>
      text.test(readFileSync(join(secrets, name), 'utf8'));
    const wanted = {
      token: /^[\da-f]{64}\n$/,
      'inner-api-key': /^fake-inner\n$/,
      'secret-key': /^fake-secret\n$/,
    };
    const missing = Object.entries(wanted).filter(([name, text]) => !isWritten(name, text));
    const key = readFileSync(join(secrets, 'admin-api-key'), 'utf8');
    if (!readFileSync(join(home, '.env'), 'utf8').endsWith(`\nADMIN_API_KEY=${key}`))
      return 'no ADMIN_API_KEY in .env';
    return missing.length === 0 ? null : `not written: ${missing.map(([name]) => name).join(', ')}`;
  }

  const blocks = documentedCommands(ROOT);

  it.concurrent.each(blocks.map(({ place, commands }) => [place, commands] as const))(
    'of %s do what they should',
    async (_place, commands) => {
      expect(commands.length).toBeGreaterThan(0);
      expect(await firstProblem(commands)).toBeNull();
    },
  );

  it('are found in all documents', () => {
    expect(blocks.length).toBeGreaterThan(12);
    const documents = new Set(blocks.map(({ place }) => place.split(':')[0]));
    expect([...documents]).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/installation.md', 'docs/manifests.md']),
    );
  });

  it('are run, unless they cannot be: no exception is left over', () => {
    const commands = blocks.flatMap((block) => block.commands);
    const unused = EXCEPTIONS.filter(({ fits }) => !commands.some((command) => fits.test(command)));
    expect(unused.map(({ reason }) => reason)).toEqual([]);
    const run = commands.filter((command) => !EXCEPTIONS.some(({ fits }) => fits.test(command)));
    expect(run.length).toBeGreaterThan(8);
  });

  it.each([
    ['a command that is not there', 'dify-mcp-bridge tools lst'],
    ['an option that is not there', 'npx -y dify-mcp-bridge tools list --vieww x'],
    ['a package of somebody else', 'npx -y somebody-elses-package'],
    ['a program that is not installed', 'no-such-program --help'],
    ['a script that is not there', 'npm run no-such-script'],
    ['an overlay that is not there', 'kubectl apply -k manifests/kubernetes/overlays/none'],
    ['half of the keys', 'kubectl create secret generic dify-mcp-bridge --from-file=token=token.txt'],
    ['a Dockerfile that is not there', 'docker build -f docker/Dockerfile .'],
  ])('would not pass with %s', async (_title, command) => {
    expect(await firstProblem([command])).not.toBeNull();
  });

  it('are taken out of a document as a shell would read them', () => {
    const text = [
      '```sh',
      '# first',
      'a --b \\',
      '  --c   # why',
      '',
      'd "#e"',
      '```',
      '```json',
      'x',
      '```',
    ].join('\n');
    expect(commandBlocks('a.md', text)).toEqual([{ place: 'a.md:1', commands: ['a --b --c', 'd "#e"'] }]);
    expect(() => commandBlocks('a.md', '```bash\nls\n```')).toThrow(
      'a.md:1: a block of commands is called sh',
    );
    expect(() => commandBlocks('a.md', '```sh\nls\n')).toThrow('has no end');
  });
});
