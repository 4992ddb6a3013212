import { parseDuration, parseSize } from '../../src/config/units.ts';
import type { RedisObjects, Rendered } from './kubernetes-model.ts';

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
  if (all.redis !== undefined) checkRedis(all, all.redis, expect);
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
  const portOf = (wanted: string) => container.ports.find(({ name }) => name === wanted)?.containerPort;
  const admin = container.ports.find(({ name }) => name === readinessProbe.httpGet.port)?.containerPort;
  expect(admin === Number(all.ConfigMap.data['DIFY_BRIDGE_ADMIN_PORT']), 'the probes depend on the MCP port');
  expect(
    all.Service.spec.ports.every(({ targetPort }) => String(targetPort) !== readinessProbe.httpGet.port),
    'clients reach the admin port',
  );
  expect(
    portOf('http') === Number(all.ConfigMap.data['DIFY_BRIDGE_PORT']),
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
  const isKey = (value: string): boolean => mounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`));
  const named = Object.entries(all.ConfigMap.data).filter(([name]) => name.endsWith('_FILE'));
  for (const [name, value] of [...named, ...container.env.map(({ name, value }) => [name, value] as const)]) {
    expect(name.endsWith('_FILE') && isKey(value), `${name} is no file of the mounted keys`);
  }
  const maps = pod.volumes.filter(({ configMap }) => configMap?.name === all.file.metadata.name);
  const folder = container.volumeMounts.find(({ name }) => maps.some((map) => map.name === name));
  expect(
    folder?.readOnly === true &&
      all.ConfigMap.data['DIFY_BRIDGE_CONFIG'] === `${folder.mountPath}/${Object.keys(all.file.data)[0]}`,
    'the bridge does not read the mounted configuration file',
  );
  const open = Object.keys(all.ConfigMap.data).filter((name) =>
    /(?<!WITHOUT_)(KEY|TOKEN|PASSWORD)$/.test(name),
  );
  expect(open.length === 0, 'a secret is in the ConfigMap');
}

function checkReplicas(all: Rendered, expect: Expect): void {
  const { HorizontalPodAutoscaler: scaler, PodDisruptionBudget: budget } = all;
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
  expect(all.redis !== undefined, 'the replicas share no files and results');
  const calls = Number(all.ConfigMap.data['DIFY_BRIDGE_CALLS_MAX_CONCURRENT'] ?? 8);
  const inFlight = scaler.spec.metrics.find((metric) => metric.type === 'Pods')?.pods;
  expect(
    inFlight?.metric.name === 'dify_bridge_tool_calls_in_flight' &&
      inFlight.target.averageValue === String(calls),
    'the autoscaler does not add replicas when calls wait',
  );
  const admin = template.spec.containers[0]?.ports.find(({ name }) => name === 'admin');
  expect(
    admin?.containerPort === Number(all.ConfigMap.data['DIFY_BRIDGE_ADMIN_PORT']) &&
      template.metadata.annotations?.['prometheus.io/port'] === String(admin?.containerPort) &&
      all.NetworkPolicy.spec.ingress.some(({ ports }) => ports.some(({ port }) => port === 'admin')),
    'Prometheus cannot read the metrics of the autoscaler',
  );
  expect(calls * maxReplicas <= DIFY_CONNECTIONS, 'all replicas together open too many connections to Dify');
}

function checkRedis(all: Rendered, redis: RedisObjects, expect: Expect): void {
  const { StatefulSet, Service, NetworkPolicy, access } = redis;
  const { spec: pod, metadata } = StatefulSet.spec.template;
  const bridge = all.Deployment.spec.template;
  const selects = (wanted: Labels = {}, labels: Labels = metadata.labels): boolean =>
    Object.keys(wanted).length > 0 && Object.entries(wanted).every(([key, value]) => labels[key] === value);
  expect(selects(StatefulSet.spec.selector.matchLabels), 'the StatefulSet does not select its pods');
  expect(selects(Service.spec.selector), 'the Service of Redis does not select its pods');
  expect(!selects(all.Service.spec.selector), 'clients of the bridge are sent to Redis');
  expect(StatefulSet.spec.serviceName === Service.metadata.name, 'the StatefulSet names another Service');
  // Two of them would be two that know nothing of each other.
  expect(StatefulSet.spec.replicas === 1, 'there is not one Redis');

  const data = all.ConfigMap.data;
  const address = new URL(data['DIFY_BRIDGE_REDIS_URL'] ?? 'redis://unset');
  const port = Number(address.port || 6379);
  expect(address.hostname === Service.metadata.name, 'DIFY_BRIDGE_REDIS_URL is not the Service of Redis');
  expect(address.password === '', 'the password of Redis is in the ConfigMap');
  expect(Service.spec.ports[0]?.port === port, 'the Service of Redis has another port');
  expect(data['DIFY_BRIDGE_FILES_DIR'] === undefined, 'a folder takes the place of Redis for files');

  const [container] = pod.containers;
  if (container === undefined) return;
  const { name: portName, containerPort } = container.ports[0] ?? { name: '', containerPort: 0 };
  expect(containerPort === 6379, 'Redis listens on another port');
  expect(String(Service.spec.ports[0]?.targetPort) === portName, 'the Service of Redis leads to no port');
  expect(String(container.livenessProbe.tcpSocket.port) === portName, 'the probe of Redis asks another port');
  const [from] = NetworkPolicy.spec.ingress;
  expect(
    selects(NetworkPolicy.spec.podSelector.matchLabels) && NetworkPolicy.spec.policyTypes.length === 2,
    'no NetworkPolicy guards Redis',
  );
  expect(
    NetworkPolicy.spec.ingress.length === 1 &&
      from?.from.length === 1 &&
      selects(from.from[0]?.podSelector?.matchLabels, bridge.metadata.labels) &&
      from.from[0]?.namespaceSelector === undefined,
    'others than the bridge are let in to Redis',
  );
  expect(NetworkPolicy.spec.egress.length === 0, 'Redis is let out');
  const [out] = access.spec.egress;
  expect(
    selects(access.spec.podSelector.matchLabels, bridge.metadata.labels) &&
      selects(out?.to[0]?.podSelector?.matchLabels) &&
      out?.ports[0]?.port === port,
    'the bridge is not let out to Redis',
  );

  expect(/:\d+\.\d+\.\d+$/.test(container.image), 'the image of Redis is not pinned to a release');
  expect(!pod.automountServiceAccountToken && !pod.enableServiceLinks, 'Redis knows of Kubernetes');
  const { securityContext: user } = pod;
  expect(
    user.runAsNonRoot && user.runAsUser > 0 && user.seccompProfile.type === 'RuntimeDefault',
    'Redis runs as root, or without a seccomp profile',
  );
  const { securityContext: rights } = container;
  expect(
    rights.readOnlyRootFilesystem &&
      !rights.privileged &&
      !rights.allowPrivilegeEscalation &&
      rights.capabilities.drop.includes('ALL'),
    'Redis has more rights than it needs',
  );

  const [line = ''] = container.args;
  const [volume] = pod.volumes;
  const [item] = volume?.secret.items ?? [];
  const mount = container.volumeMounts.find(({ name }) => name === volume?.name);
  const file = `${mount?.mountPath}/${item?.path}`;
  expect(line.includes(`--requirepass "$(cat ${file})"`), 'Redis asks for no password');
  expect(container.readinessProbe.exec.command.join(' ').includes(file), 'the probe has no password');
  const own = bridge.spec.containers[0]?.env.find(({ name }) => name === 'DIFY_BRIDGE_REDIS_PASSWORD_FILE');
  const keys = bridge.spec.volumes.find(({ secret }) => secret !== undefined)?.secret;
  expect(
    own?.value.split('/').at(-1) === item?.key && keys?.secretName === volume?.secret.secretName,
    'the bridge and Redis have different passwords',
  );
  expect(
    mount?.readOnly === true && ((volume?.secret.defaultMode ?? 0o777) & 0o007) === 0,
    'the password of Redis can be read by others, or written',
  );

  const claim = StatefulSet.spec.volumeClaimTemplates[0]?.metadata.name;
  const disk = container.volumeMounts.find(({ name }) => name === claim)?.mountPath;
  expect(
    disk !== undefined && line.includes(`--dir ${disk} `) && line.includes('--appendonly yes'),
    'Redis keeps nothing on its volume',
  );
  const bytes = (text = ''): number => parseSize(text.replace(/^(\d+)([GM])i$/, '$1$2iB')) ?? 0;
  const most = bytes(/--maxmemory (\d+)mb/.exec(line)?.[1]?.concat('MiB'));
  const kept = bytes(data['DIFY_BRIDGE_FILES_MAX_STORE_BYTES'] ?? '128MiB') + bytes('64MiB');
  expect(
    kept < most && most < bytes(container.resources.limits.memory),
    'the memory of Redis does not add up',
  );
  expect(line.includes('--maxmemory-policy noeviction'), 'Redis evicts what the bridge keeps');
}

type Labels = Readonly<Record<string, string>>;
