// Checks manifests/ with the programs that read it: docker-compose and kubectl, without an engine or a cluster. Options:
// --write renders the Kubernetes overlays into test/fixtures/kubernetes, where the unit tests check them against rules;
// --fingerprints only prints the hashes of the sources of the overlays.
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { fingerprint, OVERLAYS, render } from './kustomize.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = parseArgs({
  options: { write: { type: 'boolean' }, fingerprints: { type: 'boolean' } },
});
const problems = [];

if (options.fingerprints) {
  console.log(JSON.stringify(Object.fromEntries(OVERLAYS.map((name) => [name, fingerprint(name)]))));
} else {
  for (const overlay of OVERLAYS) checkOverlay(overlay);
  checkCompose();
  for (const problem of problems) console.error(`check-manifests: ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

function checkOverlay(overlay) {
  if (!isInstalled('kubectl', ['version', '--client'])) {
    problems.push('kubectl is not installed (Debian: apt-get install kubernetes-client)');
    return;
  }
  const everything = render(overlay, { everything: true });
  for (const part of ['kind: Ingress', 'name: dify-mcp-bridge-to-https']) {
    if (!everything.includes(part)) problems.push(`${overlay} with all its comments has no ${part}`);
  }
  const path = `test/fixtures/kubernetes/${overlay}.yaml`;
  const text = `# kubectl kustomize manifests/kubernetes/overlays/${overlay}
# Written by "npm run check:manifests -- --write" from sources with the SHA-256
# ${fingerprint(overlay)}
${render(overlay)}`;
  if (options.write) writeFileSync(root + path, text);
  if (existsSync(root + path) && readFileSync(root + path, 'utf8') === text) {
    console.log(`kubectl kustomize ${overlay}: as in ${path}`);
  } else {
    problems.push(
      `${path} is not what kubectl renders: run "npm run check:manifests -- --write", and look at it`,
    );
  }
}

function checkCompose() {
  const compose = [['docker', 'compose'], ['docker-compose']].find(([command, ...args]) =>
    isInstalled(command, [...args, 'version']),
  );
  if (compose === undefined) {
    problems.push('docker-compose is not installed (Debian: apt-get install docker-compose)');
    return;
  }
  // As a reader copies them: into Dify's folder docker/.
  const folder = mkdtempSync(join(tmpdir(), 'dify-mcp-bridge-compose-'));
  cpSync(`${root}manifests/docker`, folder, { recursive: true });
  cpSync(`${root}manifests/proxy/Caddyfile`, `${folder}/Caddyfile`);
  cpSync(`${root}test/fixtures/docker/dify-compose.yaml`, `${folder}/docker-compose.yaml`);
  appendFileSync(`${folder}/mcp-bridge/bridge.env`, 'DIFY_BRIDGE_CALLS_MAX_QUEUED=7\n');
  const config = (files, variables) =>
    spawnSync(compose[0], [...compose.slice(1), ...files.flatMap((file) => ['-f', file]), 'config'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    });
  const check = (files, variables) => {
    const whole = config(files, variables);
    if (whole.status !== 0) {
      problems.push(`${files.join(' + ')} fails: ${whole.stderr.trim()}`);
      return;
    }
    const { environment = {}, volumes = [] } = parse(whole.stdout).services.mcp_bridge;
    if (String(environment.DIFY_BRIDGE_CALLS_MAX_QUEUED) !== '7')
      problems.push(`${files}: bridge.env is not passed`);
    const targets = volumes.map((volume) => volume.target ?? volume.split(':')[1]);
    for (const target of ['/etc/dify-mcp-bridge', '/run/secrets/dify-mcp-bridge']) {
      if (!targets.includes(target)) problems.push(`${files}: nothing is mounted at ${target}`);
    }
    for (const name of Object.keys(variables)) {
      const { [name]: _left, ...others } = variables;
      const { status, stderr } = config(files, others);
      if (status === 0 || !stderr.includes(name)) problems.push(`${files} does not ask for ${name}`);
    }
  };
  const account = ['compose.mcp.yaml'];
  const keys = ['docker-compose.yaml', 'compose.dify.yaml'];
  check(account, {});
  check(keys, { ADMIN_API_KEY: 'fake-admin-key' });
  check([...account, 'compose.tls.yaml'], { MCP_DOMAIN: 'mcp.example.com' });
  check([...keys, 'compose.tls.yaml'], { ADMIN_API_KEY: 'fake-admin-key', MCP_DOMAIN: 'mcp.example.com' });
  rmSync(folder, { recursive: true });
  if (problems.length === 0) {
    console.log(
      `${compose.join(' ')} config: both roads, with and without TLS, and each variable is asked for`,
    );
  }
}

function isInstalled(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
