import { parseDuration } from '../../../src/config/units.ts';
import type { Rendered } from './kubernetes-model.ts';

/** Connections that a Dify api service takes as shipped. */
const DIFY_CONNECTIONS = 10;

/** What is wrong with what an overlay renders. */
export function kubernetesProblems(all: Rendered): readonly string[] {
  const problems: string[] = [];
  const expect = (holds: boolean | undefined, problem: string): void => {
    if (holds !== true) problems.push(problem);
  };
  checkReferences(all, expect);
  checkContainer(all, expect);
  checkReplicas(all, expect);
  return problems;
}

type Expect = (holds: boolean | undefined, problem: string) => void;

function checkReferences(all: Rendered, expect: Expect): void {
  const { spec } = all.Deployment;
  const pod = spec.template.spec;
  const { labels } = spec.template.metadata;
  const selects = (wanted: Readonly<Record<string, string>> = {}): boolean =>
    Object.keys(wanted).length > 0 && Object.entries(wanted).every(([key, value]) => labels[key] === value);
  expect(selects(spec.selector.matchLabels), 'the Deployment does not select its pods');
  expect(selects(all.Service.spec.selector), 'the Service does not select the pods');
  expect(
    selects(all.NetworkPolicy.spec.podSelector.matchLabels),
    'the NetworkPolicy does not select the pods',
  );
  for (const one of pod.topologySpreadConstraints ?? []) {
    expect(selects(one.labelSelector.matchLabels), 'the spread does not go by the pods');
  }

  const [container] = pod.containers;
  const ports = container?.ports.map(({ name }) => name) ?? [];
  const knows = (port: string | number): boolean => ports.includes(String(port));
  expect(
    all.Service.spec.ports.every((one) => knows(one.targetPort)),
    'the Service leads to no port',
  );
  const open = all.NetworkPolicy.spec.ingress.flatMap((rule) => rule.ports.map(({ port }) => port));
  expect(open.length > 0 && open.every(knows), 'the NetworkPolicy lets in to another port');
  const out = all.NetworkPolicy.spec.egress.flatMap((rule) => rule.ports.map(({ port }) => port));
  const dify = Number(new URL(all.ConfigMap.data['DIFY_API_URL'] ?? 'http://unset').port || 80);
  expect(out.includes(dify) && out.includes(53), 'the NetworkPolicy does not let out to Dify and to DNS');
  expect(all.NetworkPolicy.spec.policyTypes.length === 2, 'the NetworkPolicy is not for both directions');

  expect(
    container?.envFrom[0]?.configMapRef.name === all.ConfigMap.metadata.name,
    'the ConfigMap is not used',
  );
  expect(pod.serviceAccountName === all.ServiceAccount.metadata.name, 'the ServiceAccount is not used');
  const volumes = pod.volumes.map(({ name }) => name).sort();
  const mounted = container?.volumeMounts.map(({ name }) => name).sort() ?? [];
  expect(JSON.stringify(volumes) === JSON.stringify(mounted), 'volumes and mounts differ');
}

function checkContainer(all: Rendered, expect: Expect): void {
  const pod = all.Deployment.spec.template.spec;
  const [container] = pod.containers;
  if (container === undefined) return;
  expect(/:\d+\.\d+\.\d+$/.test(container.image), 'the image is not pinned to a release');
  expect(!pod.automountServiceAccountToken, 'the pod carries a token of Kubernetes');
  expect(!all.ServiceAccount.automountServiceAccountToken, 'the ServiceAccount gives out a token');
  expect(!pod.enableServiceLinks, 'Kubernetes adds variables for Services');

  const { securityContext: user } = pod;
  expect(user.runAsNonRoot && user.runAsUser > 0, 'it runs as root');
  expect(user.seccompProfile.type === 'RuntimeDefault', 'it has no seccomp profile');
  const { securityContext: rights } = container;
  expect(rights.readOnlyRootFilesystem, 'the root file system can be written');
  expect(!rights.privileged && !rights.allowPrivilegeEscalation, 'it may gain privileges');
  expect(rights.capabilities.drop.includes('ALL'), 'it keeps capabilities');

  const { startupProbe, livenessProbe, readinessProbe } = container;
  expect(startupProbe.httpGet.path === '/livez', 'the startup probe does not ask /livez');
  // A liveness probe that depends on Dify would restart the bridge for Dify's faults.
  expect(livenessProbe.httpGet.path === '/livez', 'the liveness probe does not ask /livez');
  expect(readinessProbe.httpGet.path === '/readyz', 'the readiness probe does not ask /readyz');
  const names = container.ports.map(({ name }) => name);
  for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
    expect(names.includes(String(httpGet.port)), 'a probe asks another port');
  }
  expect(
    container.ports[0]?.containerPort === Number(all.ConfigMap.data['DIFY_BRIDGE_PORT']),
    'the port is not the one that the bridge listens on',
  );

  const drain = Number(container.lifecycle.preStop.exec.command[1]);
  const grace = parseDuration(all.ConfigMap.data['DIFY_BRIDGE_CALLS_SHUTDOWN_GRACE'] ?? '10s') ?? Infinity;
  expect(
    pod.terminationGracePeriodSeconds >= drain + grace / 1000 + 5,
    'Kubernetes kills it before running calls had their time',
  );

  const secrets = pod.volumes.filter(({ secret }) => secret !== undefined);
  const mounts = container.volumeMounts.filter(({ name }) => secrets.some((secret) => secret.name === name));
  expect(mounts.length > 0 && mounts.every(({ readOnly }) => readOnly), 'the keys are not mounted read-only');
  for (const { secret } of secrets)
    expect(((secret?.defaultMode ?? 0o777) & 0o007) === 0, 'others can read the keys');
  for (const { name, value } of container.env) {
    const file = mounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`));
    expect(name.endsWith('_FILE') && file, `${name} is no file of the mounted keys`);
  }
  const open = Object.keys(all.ConfigMap.data).filter((name) => /(KEY|TOKEN|PASSWORD)$/.test(name));
  expect(open.length === 0, 'a secret stands in the ConfigMap');
}

function checkReplicas(all: Rendered, expect: Expect): void {
  const { HorizontalPodAutoscaler: scaler, PodDisruptionBudget: budget, PersistentVolumeClaim: claim } = all;
  const { replicas, template } = all.Deployment.spec;
  const least = scaler?.spec.minReplicas ?? replicas ?? 1;
  if (budget !== undefined) {
    expect(budget.spec.minAvailable < least, 'the PodDisruptionBudget never lets a node be drained');
    const labels = Object.entries(budget.spec.selector.matchLabels ?? {});
    expect(
      labels.length > 0 && labels.every(([key, value]) => template.metadata.labels[key] === value),
      'the PodDisruptionBudget does not select the pods',
    );
  }
  if (scaler === undefined) {
    expect(replicas === 1, 'there are several replicas and nobody who scales them');
    return;
  }
  const { scaleTargetRef: target, minReplicas, maxReplicas } = scaler.spec;
  expect(replicas === undefined, 'the Deployment and the autoscaler both set the number of replicas');
  expect(
    target.kind === 'Deployment' && target.name === all.Deployment.metadata.name,
    'the autoscaler scales something else',
  );
  expect(minReplicas < maxReplicas, 'the autoscaler has nothing to decide');
  expect(budget !== undefined, 'nothing keeps a replica while nodes are drained');
  expect(all.Service.spec.sessionAffinity === 'ClientIP', 'a client with a session meets other replicas');
  expect(claim?.spec.accessModes.includes('ReadWriteMany'), 'the files are not on a volume for all replicas');
  const files = template.spec.volumes.find(({ persistentVolumeClaim: one }) => one !== undefined);
  expect(files?.persistentVolumeClaim?.claimName === claim?.metadata.name, 'the volume is not mounted');
  const mount = template.spec.containers[0]?.volumeMounts.find(({ name }) => name === files?.name);
  expect(
    mount?.mountPath === all.ConfigMap.data['DIFY_BRIDGE_FILES_DIR'],
    'DIFY_BRIDGE_FILES_DIR is not the volume',
  );
  const calls = Number(all.ConfigMap.data['DIFY_BRIDGE_CALLS_MAX_CONCURRENT'] ?? 8);
  expect(calls * maxReplicas <= DIFY_CONNECTIONS, 'all replicas together open too many connections to Dify');
}
