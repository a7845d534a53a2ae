import {
  ATTR_K8S_CLUSTER_NAME,
  ATTR_K8S_CONTAINER_NAME,
  ATTR_K8S_DEPLOYMENT_NAME,
  ATTR_K8S_NAMESPACE_NAME,
  ATTR_K8S_NODE_NAME,
  ATTR_K8S_POD_NAME,
  ATTR_K8S_POD_UID,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';
import { firstOf } from './surroundings.ts';

/** Where the kubelet mounts what belongs to the pod's service account. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Where the documentation of Kubernetes mounts a downward API volume. */
const POD_INFO = '/etc/podinfo';

/** A pod's uid in the path of a control group (systemd writes `_` for `-`), or of a mount. */
const POD_UID =
  /(?:[/-]pod|\/pods\/)([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})\b/;

/** The variables that deployments commonly give the downward API's fields, by field. */
const names = (field: string) => [`K8S_${field}`, `KUBERNETES_${field}`];

/**
 * The pod the process is in: what the deployment hands over by the downward API, as variables or
 * as files, and what Kubernetes tells every pod. The API server is not asked.
 */
export const kubernetesDetector: ResourceDetector = {
  name: 'kubernetes',
  schemaUrl: SCHEMA_URL,
  async detect(surroundings): Promise<DetectedAttributes> {
    const { env } = surroundings;
    if (!env['KUBERNETES_SERVICE_HOST']) return {};
    const file = async (path: string) => (await surroundings.readText?.(path))?.trim() || undefined;
    return {
      [ATTR_K8S_POD_NAME]:
        firstOf(env, ...names('POD_NAME'), 'POD_NAME') ??
        (await file(`${POD_INFO}/name`)) ??
        // Kubernetes names the host after the pod, unless the pod uses the node's network.
        firstOf(env, 'HOSTNAME'),
      [ATTR_K8S_POD_UID]:
        firstOf(env, ...names('POD_UID'), 'POD_UID') ??
        (await file(`${POD_INFO}/uid`)) ??
        (await podUid(surroundings)),
      [ATTR_K8S_NAMESPACE_NAME]:
        firstOf(env, ...names('NAMESPACE'), ...names('NAMESPACE_NAME'), 'POD_NAMESPACE') ??
        (await file(`${POD_INFO}/namespace`)) ??
        (await file(`${ACCOUNT}/namespace`)),
      [ATTR_K8S_NODE_NAME]: firstOf(env, ...names('NODE_NAME'), 'NODE_NAME'),
      [ATTR_K8S_CONTAINER_NAME]: firstOf(env, ...names('CONTAINER_NAME')),
      [ATTR_K8S_DEPLOYMENT_NAME]: firstOf(env, ...names('DEPLOYMENT_NAME')),
      [ATTR_K8S_CLUSTER_NAME]: firstOf(env, ...names('CLUSTER_NAME')),
    };
  },
};

async function podUid({ readText }: Surroundings): Promise<string | undefined> {
  for (const path of ['/proc/self/cgroup', '/proc/self/mountinfo']) {
    const uid = POD_UID.exec((await readText?.(path)) ?? '')?.[1];
    if (uid !== undefined) return uid.replaceAll('_', '-');
  }
  return undefined;
}

/**
 * Who issued the pod's service account token: the cluster, by a URL from which its cloud can be told.
 * The token is read where it lies and goes nowhere; undefined outside of a cluster.
 */
export async function clusterIssuer({ env, readText }: Surroundings): Promise<URL | undefined> {
  if (!env['KUBERNETES_SERVICE_HOST']) return undefined;
  const [, payload] = ((await readText?.(`${ACCOUNT}/token`)) ?? '').split('.');
  try {
    const { iss } = JSON.parse(atob(payload!.replaceAll('-', '+').replaceAll('_', '/')));
    return new URL(iss);
  } catch {
    return undefined;
  }
}
