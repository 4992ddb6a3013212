// Checks manifests/ with the programs that read it: docker-compose and kubectl, without an engine or a cluster. Options:
// --write renders the Kubernetes overlays into test/fixtures/kubernetes, where the unit tests check them against rules;
// --fingerprints only prints the hashes of the sources of the overlays.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
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
  const stack = ['test/fixtures/docker/dify-compose.yaml', 'manifests/docker/compose.dify.yaml'];
  const config = (variables) =>
    spawnSync(compose[0], [...compose.slice(1), ...stack.flatMap((file) => ['-f', file]), 'config'], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    });
  const variables = Object.fromEntries(
    readFileSync(`${root}test/fixtures/docker/dify.env`, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => line.split('=')),
  );
  const whole = config(variables);
  if (whole.status !== 0) problems.push(`${compose.join(' ')} config fails: ${whole.stderr.trim()}`);
  else if (!whole.stdout.includes('mcp_bridge')) problems.push('the overlay adds no mcp_bridge');
  for (const name of Object.keys(variables).filter((name) => name !== 'SECRET_KEY')) {
    const { [name]: _left, ...others } = variables;
    const { status, stderr } = config(others);
    if (status === 0 || !stderr.includes(name)) {
      problems.push(`${compose.join(' ')} config does not ask for ${name}`);
    }
  }
  if (problems.length === 0) {
    console.log(`${compose.join(' ')} config: the overlay joins the stack, and each variable is asked for`);
  }
}

function isInstalled(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}
