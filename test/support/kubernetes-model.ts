import * as z from 'zod';

/** The kinds of Kubernetes that the manifests use, key by key: a misspelt one is refused, which a cluster may not do. */
const labels = z.record(z.string(), z.string());
const selector = z.strictObject({ matchLabels: labels.optional() });
const metadata = z.strictObject({ name: z.string(), labels: labels.optional() });
const port = z.union([z.int().min(1).max(65_535), z.string()]);

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port }),
  periodSeconds: z.int().positive(),
  failureThreshold: z.int().positive(),
});

const resources = z.strictObject({
  requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
  limits: z.strictObject({ memory: z.string() }),
});
const rights = z.strictObject({
  allowPrivilegeEscalation: z.boolean(),
  privileged: z.boolean(),
  readOnlyRootFilesystem: z.boolean(),
  capabilities: z.strictObject({ drop: z.array(z.string()) }),
});
const mounts = z.array(
  z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }),
);
const user = z.strictObject({
  runAsNonRoot: z.boolean(),
  runAsUser: z.int(),
  runAsGroup: z.int(),
  fsGroup: z.int(),
  seccompProfile: z.strictObject({ type: z.string() }),
});

const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) })),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: z.strictObject({
    preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }),
  }),
  resources,
  securityContext: rights,
  volumeMounts: mounts,
});

const volume = z.strictObject({
  name: z.string(),
  secret: z.strictObject({ secretName: z.string(), defaultMode: z.int() }).optional(),
  emptyDir: z.strictObject({ sizeLimit: z.string() }).optional(),
  configMap: z.strictObject({ name: z.string() }).optional(),
});

const pod = z.strictObject({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  terminationGracePeriodSeconds: z.int(),
  securityContext: user,
  topologySpreadConstraints: z
    .array(
      z.strictObject({
        maxSkew: z.int(),
        topologyKey: z.string(),
        whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']),
        labelSelector: selector,
      }),
    )
    .optional(),
  containers: z.array(container).length(1),
  volumes: z.array(volume),
});

const peers = z.array(
  z.strictObject({ podSelector: selector.optional(), namespaceSelector: selector.optional() }),
);
const allowedPorts = z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port }));

const command = z.strictObject({ command: z.array(z.string()) });
const timing = { periodSeconds: z.int().positive(), failureThreshold: z.int().positive() };
const redisContainer = z.strictObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()),
  args: z.array(z.string()).length(1),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
  livenessProbe: z.strictObject({ tcpSocket: z.strictObject({ port }), ...timing }),
  readinessProbe: z.strictObject({ exec: command, ...timing }),
  resources,
  securityContext: rights,
  volumeMounts: mounts,
});
const redisPod = z.strictObject({
  automountServiceAccountToken: z.boolean(),
  enableServiceLinks: z.boolean(),
  securityContext: user,
  containers: z.array(redisContainer).length(1),
  volumes: z.array(
    z.strictObject({
      name: z.string(),
      secret: z.strictObject({
        secretName: z.string(),
        defaultMode: z.int(),
        items: z.array(z.strictObject({ key: z.string(), path: z.string() })),
      }),
    }),
  ),
});

const kinds = {
  ConfigMap: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ConfigMap'),
    metadata,
    data: z.record(z.string(), z.string()),
  }),
  Deployment: z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('Deployment'),
    metadata,
    spec: z.strictObject({
      replicas: z.int().optional(),
      selector,
      strategy: z.strictObject({
        type: z.literal('RollingUpdate'),
        rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }),
      }),
      template: z.strictObject({
        metadata: z.strictObject({ labels, annotations: labels.optional() }),
        spec: pod,
      }),
    }),
  }),
  HorizontalPodAutoscaler: z.strictObject({
    apiVersion: z.literal('autoscaling/v2'),
    kind: z.literal('HorizontalPodAutoscaler'),
    metadata,
    spec: z.strictObject({
      scaleTargetRef: z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
      minReplicas: z.int(),
      maxReplicas: z.int(),
      metrics: z.array(
        z.discriminatedUnion('type', [
          z.strictObject({
            type: z.literal('Resource'),
            resource: z.strictObject({
              name: z.enum(['cpu', 'memory']),
              target: z.strictObject({ type: z.literal('Utilization'), averageUtilization: z.int() }),
            }),
          }),
          z.strictObject({
            type: z.literal('Pods'),
            pods: z.strictObject({
              metric: z.strictObject({ name: z.string() }),
              target: z.strictObject({
                type: z.literal('AverageValue'),
                averageValue: z.string().regex(/^\d+m?$/),
              }),
            }),
          }),
        ]),
      ),
      behavior: z.strictObject({
        scaleDown: z.strictObject({
          stabilizationWindowSeconds: z.int().max(3600),
          policies: z.array(
            z.strictObject({ type: z.literal('Pods'), value: z.int(), periodSeconds: z.int().max(1800) }),
          ),
        }),
      }),
    }),
  }),
  NetworkPolicy: z.strictObject({
    apiVersion: z.literal('networking.k8s.io/v1'),
    kind: z.literal('NetworkPolicy'),
    metadata,
    spec: z.strictObject({
      podSelector: selector,
      policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
      ingress: z.array(z.strictObject({ from: peers, ports: allowedPorts })).default([]),
      egress: z.array(z.strictObject({ to: peers, ports: allowedPorts })).default([]),
    }),
  }),
  PodDisruptionBudget: z.strictObject({
    apiVersion: z.literal('policy/v1'),
    kind: z.literal('PodDisruptionBudget'),
    metadata,
    spec: z.strictObject({ minAvailable: z.int(), selector }),
  }),
  Service: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata,
    spec: z.strictObject({
      type: z.literal('ClusterIP'),
      selector: labels,
      ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: port })),
    }),
  }),
  ServiceAccount: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ServiceAccount'),
    metadata,
    automountServiceAccountToken: z.boolean(),
  }),
  StatefulSet: z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('StatefulSet'),
    metadata,
    spec: z.strictObject({
      serviceName: z.string(),
      replicas: z.int(),
      selector,
      template: z.strictObject({ metadata: z.strictObject({ labels }), spec: redisPod }),
      volumeClaimTemplates: z.array(
        z.strictObject({
          metadata,
          spec: z.strictObject({
            accessModes: z.array(z.enum(['ReadWriteOnce', 'ReadWriteMany'])),
            resources: z.strictObject({ requests: z.strictObject({ storage: z.string() }) }),
          }),
        }),
      ),
    }),
  }),
};

type Kinds = { [Kind in keyof typeof kinds]: z.infer<(typeof kinds)[Kind]> };

/** What belongs to Redis, and the policy that lets the bridge out to it. */
export type RedisObjects = Pick<Kinds, 'StatefulSet' | 'Service' | 'NetworkPolicy'> & {
  readonly access: Kinds['NetworkPolicy'];
};

/** The objects of an overlay: one of each kind, the map with the configuration file, and the objects of Redis. */
export type Rendered = Pick<
  Kinds,
  'ConfigMap' | 'Deployment' | 'NetworkPolicy' | 'Service' | 'ServiceAccount'
> &
  Partial<Kinds> & { readonly file: Kinds['ConfigMap']; redis?: RedisObjects };

const REDIS = 'dify-mcp-bridge-redis';
const FILE = 'dify-mcp-bridge-config';
const ACCESS = 'dify-mcp-bridge-to-redis';

/** Checks each object by its kind. Throws on an unknown kind or key, on a kind twice, and on one that is missing. */
export function readRendered(objects: readonly unknown[]): Rendered {
  const read = objects.map((object) => {
    const { kind } = z.looseObject({ kind: z.enum(Object.keys(kinds) as (keyof Kinds)[]) }).parse(object);
    return kinds[kind].parse(object);
  });
  const main = byKind(
    read.filter(({ metadata: { name } }) => ![REDIS, ACCESS, FILE].includes(name)),
    ['ConfigMap', 'Deployment', 'NetworkPolicy', 'Service', 'ServiceAccount'],
  );
  const { ConfigMap: file } = byKind(
    read.filter(({ metadata: { name } }) => name === FILE),
    ['ConfigMap'],
  );
  const redis = read.filter(({ metadata: { name } }) => name === REDIS);
  if (redis.length === 0) return { ...main, file } as Rendered;
  const { NetworkPolicy: access } = byKind(
    read.filter(({ metadata: { name } }) => name === ACCESS),
    ['NetworkPolicy'],
  );
  const own = byKind(redis, ['StatefulSet', 'Service', 'NetworkPolicy']);
  return { ...main, file, redis: { ...own, access } } as Rendered;
}

function byKind(
  objects: readonly { readonly kind: string }[],
  needed: readonly string[],
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const object of objects) {
    if (object.kind in found) throw new Error(`There are two of ${object.kind}.`);
    found[object.kind] = object;
  }
  for (const kind of needed) if (!(kind in found)) throw new Error(`There is no ${kind}.`);
  return found;
}
