import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { type Compose, composeProblems } from '../../support/compose-rules.ts';
import { dockerfileProblems, ignoreProblems, parseDockerfile } from '../../support/dockerfile-rules.ts';

const ROOT = resolve(fileURLToPath(import.meta.url), '../../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const dockerfile = read('manifests/docker/Dockerfile');
const ignore = read('manifests/docker/Dockerfile.dockerignore');
const compose = parse(read('manifests/docker/compose.dify.yaml')) as Compose;

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

describe('compose.dify.yaml', () => {
  const text = read('manifests/docker/compose.dify.yaml');

  it('keeps the rules', () => {
    expect(composeProblems(compose)).toEqual([]);
  });

  it('is a configuration that the bridge takes, with the variables of Dify', async () => {
    const variables = Object.fromEntries(
      read('test/fixtures/docker/dify.env')
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    const asked = new Set<string>();
    const env = Object.fromEntries(
      Object.entries(compose.services['mcp_bridge']?.environment ?? {}).map(([name, value]) => [
        name,
        value.replace(/^\$\{(\w+):([?-])(.*)\}$/, (_all, variable: string, how: string, rest: string) => {
          asked.add(variable);
          return variables[variable] ?? (how === '-' ? rest : '');
        }),
      ]),
    );
    expect([...asked].sort()).toEqual([...Object.keys(variables), 'DIFY_BRIDGE_PUBLIC_URL'].sort());
    const { config, warnings } = await loadConfig({
      env: { ...env, DIFY_BRIDGE_HOST: '0.0.0.0', HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' },
      needsDify: true,
    });
    expect(warnings).toEqual([]);
    expect(config.http).toMatchObject({ token: 'fake-bridge-token', port: 8080 });
    expect(config.dify.secretKey).toBe('fake-secret-key');
  });

  it('prints the one command that starts it', () => {
    expect(text).toContain('#   docker compose -f docker-compose.yaml -f compose.dify.yaml up -d\n');
  });

  it.each<[string, string | RegExp, string, string]>([
    ['the latest image', /dify-mcp-bridge:\d\S+/, 'dify-mcp-bridge:latest', 'not pinned'],
    ['nginx for the API', 'http://api:5001', 'http://nginx', 'the api service'],
    ['no token', /DIFY_BRIDGE_TOKEN: \$.*/, 'DIFY_BRIDGE_ALLOW_WITHOUT_TOKEN: "true"', 'without a token'],
    [
      'an optional token',
      /\$\{DIFY_BRIDGE_TOKEN:\?/,
      '$${DIFY_BRIDGE_TOKEN:-',
      'DIFY_BRIDGE_TOKEN is not asked',
    ],
    ['a port for everybody', '127.0.0.1:8080:8080', '8080:8080', 'open to other machines'],
    ['a key in the file', /DIFY_SECRET_KEY: .*/, 'DIFY_SECRET_KEY: fake', 'DIFY_SECRET_KEYis in the file'],
    ['a file system to write on', 'read_only: true', 'read_only: false', 'can be written'],
    ['capabilities', '- ALL', '- NET_RAW', 'keeps capabilities'],
    ['another network', /networks:\n.*/, 'networks:\n      - elsewhere', "not in Dify's network"],
    ['too little time to stop', 'stop_grace_period: 20s', 'stop_grace_period: 5s', 'before running calls'],
  ])('would not pass with %s', (_title, from, to, problem) => {
    const broken = parse(changed(text, from, to)) as Compose;
    expect(composeProblems(broken).join('\n')).toContain(problem);
  });
});
