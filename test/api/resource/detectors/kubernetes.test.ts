import { describe, expect, it } from 'vitest';
import {
  clusterIssuer,
  kubernetesDetector,
} from '../../../../src/api/resource/detectors/kubernetes.ts';
import {
  found,
  type SurroundingsPlan,
  surroundingsOf,
  tokenOf,
} from '../../../support/surroundings.ts';

const UID = '8b4b3a2e-1c1d-4f5a-9d3e-0a1b2c3d4e5f';
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const IN_CLUSTER = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };

const inPod = ({ env, ...plan }: SurroundingsPlan = {}) =>
  found(kubernetesDetector, { ...plan, env: { ...IN_CLUSTER, ...env } });

describe('kubernetes', () => {
  it('finds nothing outside of a cluster', async () => {
    const files = { [`${ACCOUNT}/namespace`]: 'shop' };
    expect(await found(kubernetesDetector, { files, env: { POD_NAME: 'a' } })).toEqual({});
  });

  it('knows what every pod is told', async () => {
    expect(
      await inPod({
        env: { HOSTNAME: 'cart-7d4ec78312-x1' },
        files: {
          [`${ACCOUNT}/namespace`]: 'shop\n',
          '/proc/self/cgroup': `3:cpu:/kubepods/besteffort/pod${UID}/${'a'.repeat(64)}\n`,
        },
      }),
    ).toEqual({
      'k8s.pod.name': 'cart-7d4ec78312-x1',
      'k8s.pod.uid': UID,
      'k8s.namespace.name': 'shop',
    });
  });

  it.each(['K8S_', 'KUBERNETES_', ''])(
    'takes the variables %s… of the downward API before anything else',
    async (prefix) => {
      const env: Record<string, string> = {
        [`${prefix}POD_NAME`]: 'pod',
        [`${prefix}POD_UID`]: UID,
        [prefix === '' ? 'POD_NAMESPACE' : `${prefix}NAMESPACE`]: 'space',
        [`${prefix}NODE_NAME`]: 'node-1',
        [`${prefix || 'K8S_'}CONTAINER_NAME`]: 'app',
        HOSTNAME: 'host',
      };
      const files = {
        '/etc/podinfo/name': 'file',
        '/etc/podinfo/uid': 'file',
        '/etc/podinfo/namespace': 'file',
      };
      expect(await inPod({ env, files })).toEqual({
        'k8s.pod.name': 'pod',
        'k8s.pod.uid': UID,
        'k8s.namespace.name': 'space',
        'k8s.node.name': 'node-1',
        'k8s.container.name': 'app',
      });
    },
  );

  it('takes the names of cluster and deployment where they are given', async () => {
    const env = { K8S_CLUSTER_NAME: 'prod', K8S_DEPLOYMENT_NAME: 'cart' };
    expect(await inPod({ env })).toEqual({
      'k8s.cluster.name': 'prod',
      'k8s.deployment.name': 'cart',
    });
  });

  it('takes the files of the downward API before what every pod is told', async () => {
    const files = {
      '/etc/podinfo/name': 'pod',
      '/etc/podinfo/uid': UID,
      '/etc/podinfo/namespace': 'space',
      [`${ACCOUNT}/namespace`]: 'other',
    };
    expect(await inPod({ env: { HOSTNAME: 'host' }, files })).toEqual({
      'k8s.pod.name': 'pod',
      'k8s.pod.uid': UID,
      'k8s.namespace.name': 'space',
    });
  });

  it.each([
    ['/proc/self/cgroup', `0::/kubepods.slice/kubepods-pod${UID.replaceAll('-', '_')}.slice/x\n`],
    ['/proc/self/mountinfo', `9 8 0:1 /var/lib/kubelet/pods/${UID}/etc-hosts /etc/hosts rw\n`],
  ])("finds the pod's uid in %s", async (path, text) => {
    expect(await inPod({ files: { [path]: text } })).toEqual({ 'k8s.pod.uid': UID });
  });
});

describe('clusterIssuer', () => {
  const issuer = (token: string, env: Record<string, string> = IN_CLUSTER) =>
    clusterIssuer(surroundingsOf({ env, files: { [`${ACCOUNT}/token`]: token } }));

  it("reads who issued the pod's token", async () => {
    const url = 'https://oidc.example.org/id/1';
    expect((await issuer(tokenOf(url)))?.href).toBe(url);
  });

  it.each(['', 'a.b.c', 'a', tokenOf('no url'), `x.${Buffer.from('[]').toString('base64')}.y`])(
    'does without a token that cannot be read: %j',
    async (token) => {
      expect(await issuer(token)).toBeUndefined();
    },
  );

  it('reads no token outside of a cluster', async () => {
    expect(await issuer(tokenOf('https://a.example'), {})).toBeUndefined();
  });
});
