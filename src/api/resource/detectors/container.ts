import { ATTR_CONTAINER_ID } from '@opentelemetry/semantic-conventions/incubating';
import type { ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';

/**
 * One step of a cgroup's path that names a container: its id alone (Docker, Kubernetes), between
 * the runtime's name and `.scope` (systemd), or behind a colon (containerd). Ids are 64 hex digits, on
 * AWS Fargate 32 and a number.
 */
const STEP = /^(?:[\w.:-]*[-:])?([0-9a-f]{64}|[0-9a-f]{32}-\d{1,10})(?:\.scope)?$/;

/** Podman's watcher of a container has a group beside it. */
const WATCHER = /conmon/;

/**
 * Files that a runtime mounts into each of its containers. Not those under `sandboxes/`: the id
 * there is that of the pod's own container.
 */
const MOUNTED = /\/(?:overlay-)?containers\/([0-9a-f]{64})\//;

/** The id of the container the process is in, from its control groups or, with v2, its mounts. */
export const containerDetector: ResourceDetector = {
  name: 'container',
  schemaUrl: SCHEMA_URL,
  detect: async (surroundings) => ({ [ATTR_CONTAINER_ID]: await containerId(surroundings) }),
};

async function containerId({ readText }: Surroundings): Promise<string | undefined> {
  for (const line of ((await readText?.('/proc/self/cgroup')) ?? '').split('\n')) {
    // hierarchy:controllers:path
    const steps = line.split(':').slice(2).join(':').split('/');
    for (const step of steps.reverse()) {
      const id = WATCHER.test(step) ? undefined : STEP.exec(step)?.[1];
      if (id !== undefined) return id;
    }
  }
  // Version 2 in a namespace of its own says "/", but files of the runtime are mounted.
  return MOUNTED.exec((await readText?.('/proc/self/mountinfo')) ?? '')?.[1];
}
