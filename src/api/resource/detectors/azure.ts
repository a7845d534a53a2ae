import {
  ATTR_AZURE_RESOURCE_GROUP_NAME,
  ATTR_CLOUD_ACCOUNT_ID,
  ATTR_CLOUD_PLATFORM,
  ATTR_CLOUD_PROVIDER,
  ATTR_CLOUD_REGION,
  ATTR_CLOUD_RESOURCE_ID,
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_FAAS_INSTANCE,
  ATTR_FAAS_MAX_MEMORY,
  ATTR_FAAS_NAME,
  ATTR_HOST_ID,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  CLOUD_PLATFORM_VALUE_AZURE_AKS,
  CLOUD_PLATFORM_VALUE_AZURE_APP_SERVICE,
  CLOUD_PLATFORM_VALUE_AZURE_CONTAINER_APPS,
  CLOUD_PLATFORM_VALUE_AZURE_FUNCTIONS,
  CLOUD_PLATFORM_VALUE_AZURE_VM,
  CLOUD_PROVIDER_VALUE_AZURE,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';
import { clusterIssuer } from './kubernetes.ts';
import { cloudInit, dmi, firstOf, mebibytesOf } from './surroundings.ts';

/** What every virtual machine of Azure has on its chassis. */
const CHASSIS = '7783-7084-3265-9085-8269-3286-77';

/**
 * Microsoft Azure: Functions, App Service and Container Apps by their variables, Kubernetes
 * Service by the issuer of the pod's token, virtual machines by their firmware. The instance
 * metadata service is not asked.
 */
export const azureDetector: ResourceDetector = {
  name: 'azure',
  schemaUrl: SCHEMA_URL,
  async detect(surroundings): Promise<DetectedAttributes> {
    const { env } = surroundings;
    const found =
      site(env) ??
      containerApp(env) ??
      (await kubernetesService(surroundings)) ??
      (await virtualMachine(surroundings));
    return found === undefined
      ? {}
      : { [ATTR_CLOUD_PROVIDER]: CLOUD_PROVIDER_VALUE_AZURE, ...found };
  },
};

type Found = Record<string, string | number | undefined>;
type Env = Surroundings['env'];

/** Functions are App Service sites too. */
function site(env: Env): Found | undefined {
  const name = env['WEBSITE_SITE_NAME'];
  if (!name) return undefined;
  // subscription+resource group-stamp
  const subscription = env['WEBSITE_OWNER_NAME']?.split('+')[0] || undefined;
  const group = firstOf(env, 'WEBSITE_RESOURCE_GROUP');
  const instance = firstOf(env, 'WEBSITE_INSTANCE_ID');
  const isFunction = firstOf(env, 'FUNCTIONS_EXTENSION_VERSION', 'FUNCTIONS_WORKER_RUNTIME');
  return {
    [ATTR_SERVICE_NAME]: name,
    [ATTR_SERVICE_INSTANCE_ID]: instance,
    [ATTR_CLOUD_REGION]: firstOf(env, 'REGION_NAME'),
    [ATTR_CLOUD_ACCOUNT_ID]: subscription,
    [ATTR_AZURE_RESOURCE_GROUP_NAME]: group,
    [ATTR_CLOUD_RESOURCE_ID]:
      subscription &&
      group &&
      `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Web/sites/${name}`,
    [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: firstOf(env, 'WEBSITE_SLOT_NAME'),
    ...(isFunction === undefined
      ? {
          [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AZURE_APP_SERVICE,
          [ATTR_HOST_ID]: firstOf(env, 'WEBSITE_HOSTNAME'),
        }
      : {
          [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AZURE_FUNCTIONS,
          [ATTR_FAAS_NAME]: name,
          [ATTR_FAAS_INSTANCE]: instance,
          [ATTR_FAAS_MAX_MEMORY]: mebibytesOf(env['WEBSITE_MEMORY_LIMIT_MB']),
        }),
  };
}

function containerApp(env: Env): Found | undefined {
  const name = env['CONTAINER_APP_NAME'];
  if (!name) return undefined;
  // environment.region.azurecontainerapps.io
  const [, region] =
    /\.([^.]+)\.azurecontainerapps\.io$/.exec(env['CONTAINER_APP_ENV_DNS_SUFFIX'] ?? '') ?? [];
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AZURE_CONTAINER_APPS,
    [ATTR_CLOUD_REGION]: region,
    [ATTR_SERVICE_NAME]: name,
    [ATTR_SERVICE_VERSION]: firstOf(env, 'CONTAINER_APP_REVISION'),
    [ATTR_SERVICE_INSTANCE_ID]: firstOf(env, 'CONTAINER_APP_REPLICA_NAME'),
  };
}

/** The issuer is named after the region, where a cluster has one of its own. */
async function kubernetesService(surroundings: Surroundings): Promise<Found | undefined> {
  const host = (await clusterIssuer(surroundings))?.host ?? '';
  const [, region] =
    /^([a-z0-9]+)\.oic\.prod-aks\.azure\.com$/.exec(host) ??
    /\.hcp\.([a-z0-9]+)\.azmk8s\.io(?::\d+)?$/.exec(host) ??
    [];
  return region === undefined
    ? undefined
    : {
        [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AZURE_AKS,
        [ATTR_CLOUD_REGION]: region,
      };
}

async function virtualMachine(surroundings: Surroundings): Promise<Found | undefined> {
  if ((await dmi(surroundings, 'chassis_asset_tag')) !== CHASSIS) return undefined;
  const { id, region } = await cloudInit(surroundings);
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AZURE_VM,
    [ATTR_CLOUD_REGION]: region,
    [ATTR_HOST_ID]: id,
  };
}
