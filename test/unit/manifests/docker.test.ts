import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { type Compose, composeProblems } from '../../support/compose-rules.ts';
import { accountRoad, envFile } from '../../support/env-file.ts';
import { dockerfileProblems, ignoreProblems, parseDockerfile } from '../../support/dockerfile-rules.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const dockerfile = read('manifests/docker/Dockerfile');
const ignore = read('manifests/docker/Dockerfile.dockerignore');

/** A text with one place changed; fails where there is no such place. */
function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`${from} is not in the file.`);
  return result;
}

describe('Dockerfile', () => {
  it('keeps the rules', () => {
    expect(dockerfileProblems(dockerfile)).toEqual([]);
  });

  it('copies files that there are, or that the build makes', () => {
    const copied = parseDockerfile(dockerfile)
      .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from='))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(copied).toContain('src');
  });

  it.each<[string, string | RegExp, string, string]>([
    ['an image without a release', /:\d+\.\d+\.\d+-slim/, ':lts', 'is not pinned'],
    ['root', 'USER 1000:1000', 'USER root', 'number other than 0'],
    ['user 0', 'USER 1000:1000', 'USER 0', 'number other than 0'],
    ['no user', 'USER 1000:1000', '', 'number other than 0'],
    [
      'a shell before the program',
      /ENTRYPOINT .*/,
      'ENTRYPOINT node /app/dist/main.js',
      'ENTRYPOINT is not in exec',
    ],
    ['no health check', /HEALTHCHECK [^]*?\n {2}.*\n/, '', 'HEALTHCHECK is missing'],
    ['a health check of something else', '/readyz', '/livez', 'does not ask /readyz'],
    ['a key in the image', 'NODE_ENV=production', 'DIFY_INNER_API_KEY=fake', 'a secret'],
    ['the whole folder', 'COPY src ./src', 'COPY . ./src', 'the whole folder'],
    ['something from the network', 'COPY LICENSE ./', 'ADD https://example.com/LICENSE ./', 'use COPY'],
    ['a stage that is not there', '--from=build', '--from=builder', 'no stage builder'],
    ['a program to install in the image', 'EXPOSE 8080', 'RUN apt-get install curl', 'runs something'],
  ])('would not pass with %s', (_title, from, to, problem) => {
    expect(dockerfileProblems(changed(dockerfile, from, to)).join('\n')).toContain(problem);
  });

  it('has a list of what goes to the builder', () => {
    expect(ignoreProblems(ignore, dockerfile)).toEqual([]);
  });

  it.each<[string, string | RegExp, string, string]>([
    ['no list', /^\*$/m, 'node_modules', 'no list of what goes in'],
    ['secrets', '!LICENSE', '!LICENSE\n!.env', 'lets too much in'],
    ['a file that is not copied', '!LICENSE', '!LICENSE\n!README.md', 'is not copied'],
    ['a file that is missing', '!LICENSE\n', '', 'LICENSE is copied and left out'],
  ])('would notice a list with %s', (_title, from, to, problem) => {
    expect(ignoreProblems(changed(ignore, from, to), dockerfile).join('\n')).toContain(problem);
  });
});

describe('the Compose files', () => {
  const texts = ['compose.mcp.yaml', 'compose.dify.yaml', 'compose.tls.yaml'].map((name) =>
    read(`manifests/docker/${name}`),
  );
  const [text = '', dify = '', tls = ''] = texts;
  const variables = read('manifests/docker/mcp-bridge/bridge.env');
  const compose = parse(text) as Compose;

  /** Loads the configuration of the container, with what it mounts in a folder of the test. */
  async function loaded(env: Record<string, string>) {
    const folder = mkdtempSync(join(tmpdir(), 'bridge-compose-'));
    const all: Record<string, string> = {
      HOME: folder,
      DIFY_BRIDGE_HOST: '0.0.0.0',
      ...env,
      ...compose.services['mcp_bridge']?.environment,
    };
    for (const [name, value] of Object.entries(all)) {
      if (!name.endsWith('_FILE')) continue;
      const file = join(folder, value.split('/').at(-1) ?? '');
      writeFileSync(file, `fake-${name}\n`);
      all[name] = file;
    }
    const file = 'manifests/docker/mcp-bridge/config/config.yaml';
    return loadConfig({ env: { ...all, DIFY_BRIDGE_CONFIG: join(ROOT, file) }, needsDify: true });
  }

  it('keep the rules', () => {
    expect(composeProblems(compose, envFile(variables))).toEqual([]);
  });

  it('are a configuration that the bridge takes with keys, but for the workspace', async () => {
    const env = envFile(variables);
    await expect(loaded(env)).rejects.toMatchObject({
      problems: [{ path: 'env DIFY_WORKSPACE_ID', message: expect.stringContaining('expected a UUID') }],
    });
    const { config, warnings } = await loaded({
      ...env,
      DIFY_WORKSPACE_ID: '11111111-2222-4333-8444-555555555555',
    });
    expect(warnings).toEqual([]);
    expect(config.http.token).toBe('fake-DIFY_BRIDGE_TOKEN_FILE');
    expect(config.dify.secretKey).toBe('fake-DIFY_SECRET_KEY_FILE');
  });

  it('are one that the bridge takes as an account', async () => {
    const { config, warnings } = await loaded(accountRoad(variables));
    expect(warnings).toEqual([]);
    expect(config.dify).toMatchObject({ url: 'https://dify.example.com', createApp: true });
    expect(config.dify.password).toBe('fake-DIFY_PASSWORD_FILE');
    expect(config.http.publicUrl).toBe('https://mcp.example.com');
  });

  it('change nothing of Dify but its admin key, and publish no port but that of TLS', () => {
    const added = parse(dify) as Compose;
    expect(Object.keys(added.services)).toEqual(['api', 'mcp_bridge']);
    expect(Object.keys(added.services['api'] ?? {})).toEqual(['environment']);
    const proxy = (parse(tls) as Compose).services;
    expect(Object.keys(proxy)).toEqual(['mcp_proxy']);
    expect(proxy['mcp_proxy']?.ports).toEqual(['${MCP_HTTPS_PORT:-443}:443']);
    expect(proxy['mcp_proxy']?.image).toMatch(/:\d+\.\d+\.\d+$/);
    expect(proxy['mcp_proxy']).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it.each<[string, string | RegExp, string, string]>([
    ['the latest image', /dify-mcp-bridge:\d\S+/, 'dify-mcp-bridge:latest', 'not pinned'],
    ['no token', /DIFY_BRIDGE_TOKEN_FILE: .*/, 'DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: "true"', 'without a token'],
    ['a port for everybody', '127.0.0.1:8080:8080', '8080:8080', 'open to other machines'],
    ['a key in the file', /DIFY_BRIDGE_TOKEN_FILE: .*/, 'DIFY_BRIDGE_TOKEN: fake', 'instead of a file'],
    ['a file system to write on', 'read_only: true', 'read_only: false', 'can be written'],
    ['capabilities', '- ALL', '- NET_RAW', 'keeps capabilities'],
    ['another network', /networks:\n.*/, 'networks:\n      - elsewhere', "not in Dify's network"],
    ['too little time to stop', 'stop_grace_period: 20s', 'stop_grace_period: 5s', 'before running calls'],
    ['no variables', /env_file:\n.*\n {4}/, '', 'do not reach it'],
    [
      'secrets that can be written',
      'secrets:/run/secrets/dify-mcp-bridge:ro',
      'secrets:/run/x',
      'is not mounted',
    ],
    ['no configuration file', /DIFY_BRIDGE_CONFIG: .*/, '', 'configuration file is not mounted'],
  ])('would not pass with %s', (_title, from, to, problem) => {
    const broken = parse(changed(text, from, to)) as Compose;
    expect(composeProblems(broken, envFile(variables)).join('\n')).toContain(problem);
  });
});
