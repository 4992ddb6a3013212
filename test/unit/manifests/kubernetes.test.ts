import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { settingsTable } from '../../../src/config/settings.ts';
import { parseDuration } from '../../../src/config/units.ts';
import { silentLogger } from '../../../src/model/logger.ts';
import { connectRedis } from '../../../src/redis/connection.ts';
import { freePort } from '../../support/free-port.ts';
import { accountRoad } from '../../support/env-file.ts';
import { readRendered, type Rendered } from '../../support/kubernetes-model.ts';
import { kubernetesProblems } from '../../support/kubernetes-rules.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const OVERLAYS = ['single', 'replicated'] as const;
type Overlay = (typeof OVERLAYS)[number];

const keysRoad = ['DIFY_INNER_API_KEY_FILE', 'DIFY_ADMIN_API_KEY_FILE', 'DIFY_SECRET_KEY_FILE'];

const text = (overlay: Overlay): string =>
  readFileSync(join(ROOT, `test/fixtures/kubernetes/${overlay}.yaml`), 'utf8');
const objects = (overlay: Overlay): unknown[] =>
  parseAllDocuments(text(overlay)).map((document) => document.toJS() as unknown);

describe('the rendered overlays', () => {
  it('are those of the sources: npm run check:manifests -- --write renders them again', () => {
    const script = join(ROOT, 'scripts/check-manifests.mjs');
    const printed = execFileSync(process.execPath, [script, '--fingerprints'], { encoding: 'utf8' });
    const current = JSON.parse(printed) as Record<Overlay, string>;
    const recorded = OVERLAYS.map((overlay) => [overlay, /^# ([0-9a-f]{64})$/m.exec(text(overlay))?.[1]]);
    expect(Object.fromEntries(recorded)).toEqual(current);
  });

  it.each(OVERLAYS)('%s keeps the rules', (overlay) => {
    expect(kubernetesProblems(readRendered(objects(overlay)))).toEqual([]);
  });

  it('differ in what only several replicas need', () => {
    const kinds = (overlay: Overlay): string[] => Object.keys(readRendered(objects(overlay)));
    const more = kinds('replicated').filter((kind) => !kinds('single').includes(kind));
    expect(more.sort()).toEqual(['HorizontalPodAutoscaler', 'PodDisruptionBudget', 'redis']);
  });
});

describe('what an overlay may add', () => {
  it('an Ingress leads to the Service, streams, and waits for long calls', () => {
    const ingress = parse(readFileSync(join(ROOT, 'manifests/kubernetes/ingress/ingress.yaml'), 'utf8')) as {
      metadata: { annotations: Record<string, string> };
      spec: {
        tls: [{ hosts: string[] }];
        rules: [{ host: string; http: { paths: { path: string; backend: unknown }[] } }];
      };
    };
    const { Service } = readRendered(objects('single'));
    const [rule] = ingress.spec.rules;
    const service = { name: Service.metadata.name, port: { name: Service.spec.ports[0]?.name } };
    const paths = ['/mcp', '/w', '/files', '/oauth', '/.well-known'];
    expect(rule.http.paths.map(({ path, backend }) => [path, backend])).toEqual(
      paths.map((path) => [path, { service }]),
    );
    expect(ingress.spec.tls[0].hosts).toEqual([rule.host]);
    const { annotations } = ingress.metadata;
    expect(annotations['nginx.ingress.kubernetes.io/proxy-buffering']).toBe('off');
    const longest = Number(annotations['nginx.ingress.kubernetes.io/proxy-read-timeout']);
    const timeout = settingsTable().find(({ path }) => path === 'calls.timeout')?.default;
    expect(longest * 1000).toBeGreaterThan(parseDuration(String(timeout)) ?? Infinity);
  });

  it('a policy lets out the pods of the bridge to https', () => {
    const policy = parse(
      readFileSync(join(ROOT, 'manifests/kubernetes/https/network-policy.yaml'), 'utf8'),
    ) as {
      spec: { podSelector: { matchLabels: Record<string, string> }; egress: unknown };
    };
    const { Deployment } = readRendered(objects('single'));
    expect(Deployment.spec.template.metadata.labels).toMatchObject(policy.spec.podSelector.matchLabels);
    expect(policy.spec.egress).toEqual([{ ports: [{ protocol: 'TCP', port: 443 }] }]);
  });
});

describe('the configuration in there', () => {
  const WORKSPACE = '11111111-2222-4333-8444-555555555555';
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The environment of the container, with the mounted keys in a folder of the test. */
  function environment(overlay: Overlay): Record<string, string> {
    const { ConfigMap, Deployment, file } = readRendered(objects(overlay));
    const env: Record<string, string> = { HOME: folder, XDG_CONFIG_HOME: folder, ...ConfigMap.data };
    for (const { name, value } of Deployment.spec.template.spec.containers[0]?.env ?? []) env[name] = value;
    return mounted(env, file.data);
  }

  /** The variables of a container with what it mounts in the folder of the test. */
  function mounted(env: Record<string, string>, files: Readonly<Record<string, string>>) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const here = (path: string): string => join(folder, path.split('/').at(-1) ?? '');
    for (const [name, value] of Object.entries(env)) {
      if (name === 'DIFY_BRIDGE_CONFIG') env[name] = here(value);
      if (!name.endsWith('_FILE')) continue;
      writeFileSync(here(value), `fake-${name}\n`);
      env[name] = here(value);
    }
    return env;
  }

  it.each(OVERLAYS)('of %s may also be an account', async (overlay) => {
    const env = {
      ...environment(overlay),
      ...accountRoad(readFileSync(join(ROOT, `manifests/kubernetes/overlays/${overlay}/bridge.env`), 'utf8')),
    };
    for (const name of ['DIFY_API_URL', 'DIFY_WORKSPACE_ID', ...keysRoad]) delete env[name];
    const { config, warnings } = await loadConfig({ env: mounted(env, {}), needsDify: true });
    expect(warnings).toEqual([]);
    expect(config.dify).toMatchObject({
      url: 'https://dify.example.com',
      password: 'fake-DIFY_PASSWORD_FILE',
      createApp: true,
    });
    expect(config.http.publicUrl).toBe('https://mcp.example.com');
  });

  it.each(OVERLAYS)('of %s names variables that there are', (overlay) => {
    const known = settingsTable().flatMap(({ env, secret }) =>
      env === undefined ? [] : secret ? [`${env}_FILE`] : [env],
    );
    // A secret with its password, and none without: a rule looks after that.
    known.push('DIFY_BRIDGE_REDIS_URL', 'DIFY_BRIDGE_CONFIG');
    const named = Object.keys(environment(overlay)).filter((name) => name.startsWith('DIFY_'));
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  it.each(OVERLAYS)('of %s lacks nothing but the workspace, and says so at the start', async (overlay) => {
    const attempt = loadConfig({ env: environment(overlay), needsDify: true });
    await expect(attempt).rejects.toMatchObject({
      code: 'config_invalid',
      problems: [{ path: 'env DIFY_WORKSPACE_ID', message: expect.stringContaining('expected a UUID') }],
    });
  });

  it.each(OVERLAYS)('of %s is one that the bridge takes', async (overlay) => {
    const env = { ...environment(overlay), DIFY_WORKSPACE_ID: WORKSPACE };
    const { config, warnings } = await loadConfig({ env, needsDify: true });
    expect(warnings).toEqual([]);
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 8080, token: 'fake-DIFY_BRIDGE_TOKEN_FILE' });
    expect(config.dify.innerApiKey).toBe('fake-DIFY_INNER_API_KEY_FILE');
  });
});

describe('the Redis in there', () => {
  it('is started by its command, asks for the password, and keeps what it has', {
    tags: ['redis'],
  }, async () => {
    const [container] =
      readRendered(objects('replicated')).redis?.StatefulSet.spec.template.spec.containers ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-test-'));
    // Characters that a shell and a configuration file read in their own ways.
    const password = `fake "pass" 'word' $HOME #1`;
    writeFileSync(join(folder, 'redis-password'), `${password}\n`);
    const [line = ''] = container?.args ?? [];
    expect(container?.command).toEqual(['sh', '-c']);

    const run = async (): Promise<{ url: string; end: () => Promise<unknown> }> => {
      const port = await freePort();
      const here = line
        .replace('exec redis-server', `exec redis-server --bind 127.0.0.1 --port ${port}`)
        .replaceAll('/run/secrets/redis', folder)
        .replace('--dir /data', `--dir ${folder}`);
      const child = spawn('sh', ['-c', here], { stdio: 'ignore' });
      const gone = once(child, 'exit');
      return {
        url: `redis://127.0.0.1:${port}`,
        end: () => {
          child.kill('SIGTERM');
          return gone;
        },
      };
    };
    const connected = async (url: string) => {
      const connection = await connectRedis({ url, password, logger: silentLogger });
      await expect.poll(() => connection.health).toBe('up');
      return connection;
    };
    const first = await run();
    const connection = await connected(first.url);
    await expect(connectRedis({ url: first.url, logger: silentLogger })).rejects.toThrow(/NOAUTH/);
    await connection.run((client) => client.set('kept', 'yes'));
    const { maxmemory } = await connection.run((client) => client.configGet('maxmemory'));
    expect(maxmemory).toBe(String(1400 * 1024 * 1024));
    await connection.close();
    await first.end();

    const second = await run();
    const again = await connected(second.url);
    expect(await again.run((client) => client.get('kept'))).toBe('yes');
    const probe = container?.readinessProbe.exec.command.at(-1)?.replaceAll('/run/secrets/redis', folder);
    const port = new URL(second.url).port;
    execFileSync('sh', ['-c', String(probe).replace('redis-cli', `redis-cli -p ${port}`)]);
    await again.close();
    await second.end();
    rmSync(folder, { recursive: true });
  });
});

describe('the rules', () => {
  type Change = (all: Rendered) => void;
  const pod = (all: Rendered) => all.Deployment.spec.template.spec;
  const container = (all: Rendered) => {
    const [one] = pod(all).containers;
    if (one === undefined) throw new Error('There is no container.');
    return one;
  };
  const redis = (all: Rendered) => {
    const [one] = all.redis?.StatefulSet.spec.template.spec.containers ?? [];
    if (one === undefined) throw new Error('There is no Redis.');
    return one;
  };
  const scaler = (all: Rendered) => {
    if (all.HorizontalPodAutoscaler === undefined) throw new Error('There is no autoscaler.');
    return all.HorizontalPodAutoscaler.spec;
  };

  it.each<[string, Overlay, Change, string]>([
    ['latest', 'single', (all) => (container(all).image = 'dify-mcp-bridge:latest'), 'not pinned'],
    ['root', 'single', (all) => (pod(all).securityContext.runAsUser = 0), 'runs as root'],
    [
      'a root that can be written',
      'single',
      (all) => (container(all).securityContext.readOnlyRootFilesystem = false),
      'can be written',
    ],
    [
      'capabilities',
      'single',
      (all) => (container(all).securityContext.capabilities.drop = []),
      'capabilities',
    ],
    ['a token', 'single', (all) => (pod(all).automountServiceAccountToken = true), 'token of Kubernetes'],
    ['service links', 'single', (all) => (pod(all).enableServiceLinks = true), 'adds variables'],
    [
      'liveness that depends on Dify',
      'single',
      (all) => (container(all).livenessProbe.httpGet.path = '/readyz'),
      'liveness probe does not ask /livez',
    ],
    [
      'a probe of no port',
      'single',
      (all) => (container(all).readinessProbe.httpGet.port = 'metrics'),
      'a probe asks another port',
    ],
    [
      'probes on the port of clients',
      'single',
      (all) => (container(all).readinessProbe.httpGet.port = 'http'),
      'probes depend on the MCP port',
    ],
    [
      'a Service for the admin port',
      'single',
      (all) => ((all.Service.spec.ports[0] as { targetPort: string }).targetPort = 'admin'),
      'clients reach the admin port',
    ],
    [
      '30 s to stop',
      'single',
      (all) => (pod(all).terminationGracePeriodSeconds = 30),
      'before running calls',
    ],
    [
      'a Service for other pods',
      'single',
      (all) => (all.Service.spec.selector = { 'app.kubernetes.io/name': 'other' }),
      'Service does not select',
    ],
    [
      'a key in the ConfigMap',
      'single',
      (all) => (all.ConfigMap.data['DIFY_SECRET_KEY'] = 'fake'),
      'in the ConfigMap',
    ],
    [
      'a key as a variable',
      'single',
      (all) => container(all).env.push({ name: 'DIFY_SECRET_KEY', value: 'fake' }),
      'no file of the mounted keys',
    ],
    [
      'a key file elsewhere',
      'single',
      (all) => container(all).env.push({ name: 'DIFY_PASSWORD_FILE', value: '/tmp/password' }),
      'no file of the mounted keys',
    ],
    [
      'a key file elsewhere in the ConfigMap',
      'single',
      (all) => (all.ConfigMap.data['DIFY_PASSWORD_FILE'] = '/etc/dify-mcp-bridge/password'),
      'no file of the mounted keys',
    ],
    [
      'a configuration file that is not read',
      'single',
      (all) => delete all.ConfigMap.data['DIFY_BRIDGE_CONFIG'],
      'does not read the mounted configuration file',
    ],
    [
      'another port of Dify',
      'single',
      (all) => (all.ConfigMap.data['DIFY_API_URL'] = 'http://api:8000'),
      'does not let out to Dify',
    ],
    [
      'two replicas and nothing else',
      'single',
      (all) => (all.Deployment.spec.replicas = 2),
      'nobody who scales',
    ],
    [
      'a budget for one replica',
      'single',
      (all) => {
        const { PodDisruptionBudget: budget } = readRendered(objects('replicated'));
        if (budget !== undefined) all.PodDisruptionBudget = budget;
      },
      'never lets a node be drained',
    ],
    [
      'no port for the metrics',
      'replicated',
      (all) => delete all.ConfigMap.data['DIFY_BRIDGE_ADMIN_PORT'],
      'cannot read the metrics',
    ],
    [
      'more calls at once than the autoscaler expects',
      'replicated',
      (all) => (all.ConfigMap.data['DIFY_BRIDGE_CALLS_MAX_CONCURRENT'] = '1'),
      'does not add replicas when calls wait',
    ],
    [
      'a number of replicas',
      'replicated',
      (all) => (all.Deployment.spec.replicas = 2),
      'both set the number',
    ],
    ['ten replicas', 'replicated', (all) => (scaler(all).maxReplicas = 10), 'too many connections'],
    [
      'an autoscaler of something else',
      'replicated',
      (all) => (scaler(all).scaleTargetRef.name = 'x'),
      'something else',
    ],
    ['no budget', 'replicated', (all) => delete all.PodDisruptionBudget, 'while nodes are drained'],
    ['nothing that is shared', 'replicated', (all) => delete all.redis, 'share no files and results'],
    [
      'files in addition to Redis',
      'replicated',
      (all) => (all.ConfigMap.data['DIFY_BRIDGE_FILES_DIR'] = '/tmp/files'),
      'takes the place of Redis',
    ],
    [
      'a password in the ConfigMap',
      'replicated',
      (all) => (all.ConfigMap.data['DIFY_BRIDGE_REDIS_URL'] = 'redis://:fake@dify-mcp-bridge-redis:6379'),
      'password of Redis is in',
    ],
    [
      'another Redis',
      'replicated',
      (all) => (all.ConfigMap.data['DIFY_BRIDGE_REDIS_URL'] = 'redis://other:6379'),
      'not the Service of Redis',
    ],
    [
      'a Redis without a password',
      'replicated',
      (all) => (redis(all).args[0] = redis(all).args[0]?.replace(/--requirepass.*/, '') ?? ''),
      'asks for no password',
    ],
    [
      'a Redis that is open to the namespace',
      'replicated',
      (all) => all.redis?.NetworkPolicy.spec.ingress[0]?.from.push({ podSelector: {} }),
      'others than the bridge',
    ],
    [
      'a bridge that may not go there',
      'replicated',
      (all) => all.redis?.access.spec.egress.pop(),
      'not let out to Redis',
    ],
    [
      'two of Redis',
      'replicated',
      (all) => all.redis && (all.redis.StatefulSet.spec.replicas = 2),
      'not one Redis',
    ],
    [
      'a store that is larger than Redis',
      'replicated',
      (all) => (all.ConfigMap.data['DIFY_BRIDGE_FILES_MAX_STORE_BYTES'] = '2GiB'),
      'does not add up',
    ],
    [
      'a Redis that forgets',
      'replicated',
      (all) => (redis(all).args[0] = redis(all).args[0]?.replace('--appendonly yes', '') ?? ''),
      'keeps nothing on its volume',
    ],
  ])('would notice %s', (_title, overlay, change, problem) => {
    const all = readRendered(objects(overlay));
    change(all);
    expect(kubernetesProblems(all).join('\n')).toContain(problem);
  });

  it('would notice a misspelt key, an unknown kind, and a kind that is missing', () => {
    const misspelt = text('single').replace('readOnlyRootFilesystem', 'readonlyRootFilesystem');
    const parsed = parseAllDocuments(misspelt).map((document) => document.toJS() as unknown);
    expect(() => readRendered(parsed)).toThrow('readonlyRootFilesystem');
    expect(() => readRendered([...objects('single'), { kind: 'Pod' }])).toThrow('Invalid option');
    expect(() => readRendered(objects('single').slice(1))).toThrow('There is no');
  });
});
