import {
  ATTR_CLOUD_ACCOUNT_ID,
  ATTR_CLOUD_AVAILABILITY_ZONE,
  ATTR_CLOUD_PLATFORM,
  ATTR_CLOUD_PROVIDER,
  ATTR_CLOUD_REGION,
  ATTR_FAAS_INSTANCE,
  ATTR_FAAS_MAX_MEMORY,
  ATTR_FAAS_NAME,
  ATTR_FAAS_VERSION,
  ATTR_GCP_CLOUD_RUN_JOB_EXECUTION,
  ATTR_GCP_CLOUD_RUN_JOB_TASK_INDEX,
  ATTR_HOST_ID,
  ATTR_K8S_CLUSTER_NAME,
  CLOUD_PLATFORM_VALUE_GCP_APP_ENGINE,
  CLOUD_PLATFORM_VALUE_GCP_CLOUD_FUNCTIONS,
  CLOUD_PLATFORM_VALUE_GCP_CLOUD_RUN,
  CLOUD_PLATFORM_VALUE_GCP_COMPUTE_ENGINE,
  CLOUD_PLATFORM_VALUE_GCP_KUBERNETES_ENGINE,
  CLOUD_PROVIDER_VALUE_GCP,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';
import { clusterIssuer } from './kubernetes.ts';
import { cloudInit, dmi, firstOf, mebibytesOf, numberOf } from './surroundings.ts';

/**
 * Google Cloud: App Engine, Cloud Functions and Cloud Run by their variables, Kubernetes Engine
 * by the issuer of the pod's token, Compute Engine by the machine's firmware. The metadata server
 * is not asked, so region and project are known only where the surroundings tell.
 */
export const gcpDetector: ResourceDetector = {
  name: 'gcp',
  schemaUrl: SCHEMA_URL,
  async detect(surroundings): Promise<DetectedAttributes> {
    const { env } = surroundings;
    const found =
      appEngine(env) ??
      functions(env) ??
      cloudRun(env) ??
      (await kubernetesEngine(surroundings)) ??
      (await computeEngine(surroundings));
    if (found === undefined) return {};
    return {
      [ATTR_CLOUD_PROVIDER]: CLOUD_PROVIDER_VALUE_GCP,
      [ATTR_CLOUD_ACCOUNT_ID]: firstOf(
        env,
        'GOOGLE_CLOUD_PROJECT',
        'GCLOUD_PROJECT',
        'GCP_PROJECT',
      ),
      [ATTR_CLOUD_REGION]: firstOf(env, 'GOOGLE_CLOUD_REGION', 'FUNCTION_REGION'),
      ...found,
    };
  },
};

type Found = Record<string, string | number | undefined>;
type Env = Surroundings['env'];

function appEngine(env: Env): Found | undefined {
  if (!env['GAE_SERVICE']) return undefined;
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_GCP_APP_ENGINE,
    [ATTR_FAAS_NAME]: env['GAE_SERVICE'],
    [ATTR_FAAS_VERSION]: firstOf(env, 'GAE_VERSION'),
    [ATTR_FAAS_INSTANCE]: firstOf(env, 'GAE_INSTANCE'),
    [ATTR_FAAS_MAX_MEMORY]: mebibytesOf(env['GAE_MEMORY_MB']),
  };
}

/** The second generation runs on Cloud Run and has its variables too. */
function functions(env: Env): Found | undefined {
  const first = env['FUNCTION_NAME'] && env['FUNCTION_REGION'];
  if (!env['FUNCTION_TARGET'] && !first) return undefined;
  const name = firstOf(env, 'K_SERVICE', 'FUNCTION_NAME');
  if (name === undefined) return undefined;
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_GCP_CLOUD_FUNCTIONS,
    [ATTR_FAAS_NAME]: name,
    [ATTR_FAAS_VERSION]: firstOf(env, 'K_REVISION', 'X_GOOGLE_FUNCTION_VERSION'),
    [ATTR_FAAS_MAX_MEMORY]: mebibytesOf(env['FUNCTION_MEMORY_MB']),
  };
}

function cloudRun(env: Env): Found | undefined {
  const platform = { [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_GCP_CLOUD_RUN };
  if (env['CLOUD_RUN_JOB']) {
    return {
      ...platform,
      [ATTR_FAAS_NAME]: env['CLOUD_RUN_JOB'],
      [ATTR_GCP_CLOUD_RUN_JOB_EXECUTION]: firstOf(env, 'CLOUD_RUN_EXECUTION'),
      [ATTR_GCP_CLOUD_RUN_JOB_TASK_INDEX]: numberOf(env['CLOUD_RUN_TASK_INDEX']),
    };
  }
  // Knative elsewhere sets K_SERVICE too, but no K_CONFIGURATION without a revision.
  if (!env['K_SERVICE'] || !env['K_CONFIGURATION']) return undefined;
  return {
    ...platform,
    [ATTR_FAAS_NAME]: env['K_SERVICE'],
    [ATTR_FAAS_VERSION]: firstOf(env, 'K_REVISION'),
  };
}

/** The issuer's path tells project, location and cluster. */
async function kubernetesEngine(surroundings: Surroundings): Promise<Found | undefined> {
  const issuer = await clusterIssuer(surroundings);
  if (issuer?.host !== 'container.googleapis.com') return undefined;
  const [, project, location, cluster] =
    /\/projects\/([^/]+)\/(?:locations|zones)\/([^/]+)\/clusters\/([^/]+)/.exec(issuer.pathname) ??
    [];
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_GCP_KUBERNETES_ENGINE,
    ...(project !== undefined && { [ATTR_CLOUD_ACCOUNT_ID]: project }),
    ...placeOf(location),
    [ATTR_K8S_CLUSTER_NAME]: cluster,
  };
}

/** `europe-west1` is a region, `europe-west1-b` a zone of it. */
function placeOf(location: string | undefined): Found {
  const [, region, zone] = /^([a-z]+-[a-z]+\d+)(-[a-z])?$/.exec(location ?? '') ?? [];
  return {
    ...(region !== undefined && { [ATTR_CLOUD_REGION]: region }),
    ...(zone !== undefined && { [ATTR_CLOUD_AVAILABILITY_ZONE]: location }),
  };
}

async function computeEngine(surroundings: Surroundings): Promise<Found | undefined> {
  if ((await dmi(surroundings, 'product_name')) !== 'Google Compute Engine') return undefined;
  const { id, zone } = await cloudInit(surroundings);
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_GCP_COMPUTE_ENGINE,
    [ATTR_HOST_ID]: id,
    ...placeOf(zone),
  };
}
