import { describe, expect, it } from 'vitest';
import { containerDetector } from '../../../../src/api/resource/detectors/container.ts';
import { found } from '../../../support/surroundings.ts';

const ID = 'a3bf90e006b2c1d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c';
const OTHER = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';
const POD = '8b4b3a2e-1c1d-4f5a-9d3e-0a1b2c3d4e5f';

const cgroup = (text: string) => found(containerDetector, { files: { '/proc/self/cgroup': text } });
const v2 = (mountinfo: string) =>
  found(containerDetector, {
    files: { '/proc/self/cgroup': '0::/\n', '/proc/self/mountinfo': mountinfo },
  });

describe('container.id', () => {
  it.each([
    ['Docker, v1', `13:name=systemd:/docker/${ID}\n12:pids:/docker/${ID}\n`],
    ['Docker with systemd, v1', `11:cpu,cpuacct:/system.slice/docker-${ID}.scope\n`],
    ['Docker with systemd, v2 in the host namespace', `0::/system.slice/docker-${ID}.scope\n`],
    ['Kubernetes, v1', `11:perf_event:/kubepods/besteffort/pod${POD}/${ID}\n`],
    [
      'Kubernetes with systemd and containerd',
      `0::/kubepods.slice/kubepods-pod${POD.replaceAll('-', '_')}.slice/cri-containerd-${ID}.scope\n`,
    ],
    [
      'containerd behind colons',
      `12:memory:/system.slice/containerd.service/kubepods-burstable-pod1.slice:cri-containerd:${ID}\n`,
    ],
    ['CRI-O', `10:devices:/kubepods.slice/kubepods-pod1.slice/crio-${ID}.scope\n`],
    ['Podman', `0::/machine.slice/libpod-${ID}.scope/container\n`],
    ['Docker in Docker: the inner one', `1:name=systemd:/docker/${OTHER}/docker/${ID}\n`],
    ['ECS on EC2', `9:memory:/ecs/task-1/${ID}\n`],
  ])('%s', async (_, text) => {
    expect(await cgroup(text)).toEqual({ 'container.id': ID });
  });

  it('Fargate: 32 digits and a number', async () => {
    const task = '447438d2c7414f5d9f0c1a2b3c4d5e6f';
    expect(await cgroup(`1:cpu:/ecs/${task}/${task}-2574022136\n`)).toEqual({
      'container.id': `${task}-2574022136`,
    });
  });

  it.each([
    ['Docker', `/var/lib/docker/containers/${ID}/hostname /etc/hostname`],
    ['Podman', `/containers/overlay-containers/${ID}/userdata/hostname /etc/hostname`],
  ])('version 2 in a namespace of its own, from what is mounted: %s', async (_, mounted) => {
    const lines = [
      '713 712 0:60 / /proc rw,nosuid - proc proc rw',
      `720 700 254:1 ${mounted} rw,relatime - ext4 /dev/vda1 rw`,
    ];
    expect(await v2(lines.join('\n'))).toEqual({ 'container.id': ID });
  });

  it.each([
    ['not in a container, v1', '12:pids:/user.slice/user-1000.slice/session-3.scope\n1:cpu:/\n'],
    ['not in a container, v2', '0::/user.slice/user-1000.slice/session-3.scope\n'],
    ['the watcher of a container', `0::/machine.slice/libpod-conmon-${ID}.scope\n`],
    ['too short an id', `1:cpu:/docker/${ID.slice(1)}\n`],
    ['too long an id', `1:cpu:/docker/${ID}0\n`],
    ['nothing', ''],
    ['nonsense', ':::\n\n::'],
  ])('is left out: %s', async (_, text) => {
    expect(await cgroup(text)).toEqual({});
  });

  it("is left out where only the pod's own container shows", async () => {
    expect(
      await v2(
        `1 2 0:3 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${ID}/hostname /etc/hostname rw`,
      ),
    ).toEqual({});
  });

  it('is left out where there are no such files', async () => {
    expect(await found(containerDetector)).toEqual({});
  });
});
