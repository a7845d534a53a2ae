import {
  ATTR_AWS_ECS_CLUSTER_ARN,
  ATTR_AWS_ECS_CONTAINER_ARN,
  ATTR_AWS_ECS_LAUNCHTYPE,
  ATTR_AWS_ECS_TASK_ARN,
  ATTR_AWS_ECS_TASK_FAMILY,
  ATTR_AWS_ECS_TASK_ID,
  ATTR_AWS_ECS_TASK_REVISION,
  ATTR_AWS_LOG_GROUP_ARNS,
  ATTR_AWS_LOG_GROUP_NAMES,
  ATTR_AWS_LOG_STREAM_ARNS,
  ATTR_AWS_LOG_STREAM_NAMES,
  ATTR_CLOUD_ACCOUNT_ID,
  ATTR_CLOUD_AVAILABILITY_ZONE,
  ATTR_CLOUD_PLATFORM,
  ATTR_CLOUD_PROVIDER,
  ATTR_CLOUD_REGION,
  ATTR_CLOUD_RESOURCE_ID,
  ATTR_CONTAINER_ID,
  ATTR_CONTAINER_NAME,
  ATTR_FAAS_INSTANCE,
  ATTR_FAAS_MAX_MEMORY,
  ATTR_FAAS_NAME,
  ATTR_FAAS_VERSION,
  ATTR_HOST_ID,
  ATTR_HOST_TYPE,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
  AWS_ECS_LAUNCHTYPE_VALUE_EC2,
  AWS_ECS_LAUNCHTYPE_VALUE_FARGATE,
  CLOUD_PLATFORM_VALUE_AWS_EC2,
  CLOUD_PLATFORM_VALUE_AWS_ECS,
  CLOUD_PLATFORM_VALUE_AWS_EKS,
  CLOUD_PLATFORM_VALUE_AWS_ELASTIC_BEANSTALK,
  CLOUD_PLATFORM_VALUE_AWS_LAMBDA,
  CLOUD_PROVIDER_VALUE_AWS,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';
import { clusterIssuer } from './kubernetes.ts';
import { cloudInit, dmi, firstOf, mebibytesOf, parsed, textOf } from './surroundings.ts';

/**
 * Amazon Web Services, the innermost platform that shows: Lambda by its variables, ECS by the
 * metadata endpoint its variable names, EKS by the pod's identity, Elastic Beanstalk by its file,
 * EC2 by the machine's firmware. The instance metadata service is not asked.
 */
export const awsDetector: ResourceDetector = {
  name: 'aws',
  schemaUrl: SCHEMA_URL,
  async detect(surroundings): Promise<DetectedAttributes> {
    const { env } = surroundings;
    // Vercel's functions run on Lambda, which is none of their owner's business.
    if (env['VERCEL']) return {};
    const found =
      lambda(env) ??
      (await ecs(surroundings)) ??
      (await eks(surroundings)) ??
      (await beanstalk(surroundings)) ??
      (await ec2(surroundings));
    if (found === undefined) return {};
    return {
      [ATTR_CLOUD_PROVIDER]: CLOUD_PROVIDER_VALUE_AWS,
      [ATTR_CLOUD_REGION]: firstOf(env, 'AWS_REGION', 'AWS_DEFAULT_REGION'),
      ...found,
    };
  },
};

type Found = Record<string, string | number | string[] | undefined>;

function lambda(env: Surroundings['env']): Found | undefined {
  const name = env['AWS_LAMBDA_FUNCTION_NAME'];
  if (!name) return undefined;
  const group = firstOf(env, 'AWS_LAMBDA_LOG_GROUP_NAME');
  const stream = firstOf(env, 'AWS_LAMBDA_LOG_STREAM_NAME');
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AWS_LAMBDA,
    [ATTR_FAAS_NAME]: name,
    [ATTR_FAAS_VERSION]: firstOf(env, 'AWS_LAMBDA_FUNCTION_VERSION'),
    [ATTR_FAAS_INSTANCE]: stream,
    [ATTR_FAAS_MAX_MEMORY]: mebibytesOf(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']),
    [ATTR_AWS_LOG_GROUP_NAMES]: group && [group],
    [ATTR_AWS_LOG_STREAM_NAMES]: stream && [stream],
  };
}

/** Answers of the task metadata endpoint, version 4, as far as they are used. */
interface EcsContainer {
  readonly DockerId?: unknown;
  readonly DockerName?: unknown;
  readonly ContainerARN?: unknown;
  readonly LogDriver?: unknown;
  readonly LogOptions?: Readonly<Record<string, unknown>>;
}

interface EcsTask {
  readonly Cluster?: unknown;
  readonly TaskARN?: unknown;
  readonly Family?: unknown;
  readonly Revision?: unknown;
  readonly LaunchType?: unknown;
  readonly AvailabilityZone?: unknown;
}

async function ecs(surroundings: Surroundings): Promise<Found | undefined> {
  const { env, getJson } = surroundings;
  const uri = env['ECS_CONTAINER_METADATA_URI_V4'];
  const platform = { [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AWS_ECS };
  if (!uri || getJson === undefined) {
    return uri || env['ECS_CONTAINER_METADATA_URI'] ? platform : undefined;
  }
  // Either may fail without the other; that this is ECS is known in any case.
  const ask = (url: string) => getJson(url).catch(() => undefined);
  const [first, second] = await Promise.all([ask(uri), ask(`${uri}/task`)]);
  const container = (first ?? {}) as EcsContainer;
  const task = (second ?? {}) as EcsTask;
  const taskArn = textOf(task.TaskARN);
  // arn:partition:ecs:region:account:task/[cluster/]id
  const [arn, partition, , region, account] = taskArn?.split(':') ?? [];
  const cluster = textOf(task.Cluster);
  const containerArn = textOf(container.ContainerARN);
  const launchType = textOf(task.LaunchType)?.toLowerCase();
  return {
    ...platform,
    [ATTR_AWS_ECS_CONTAINER_ARN]: containerArn,
    [ATTR_AWS_ECS_CLUSTER_ARN]:
      taskArn === undefined || cluster === undefined || cluster.startsWith('arn:')
        ? cluster
        : `${arn}:${partition}:ecs:${region}:${account}:cluster/${cluster}`,
    [ATTR_AWS_ECS_LAUNCHTYPE]:
      launchType === AWS_ECS_LAUNCHTYPE_VALUE_EC2 || launchType === AWS_ECS_LAUNCHTYPE_VALUE_FARGATE
        ? launchType
        : undefined,
    [ATTR_AWS_ECS_TASK_ARN]: taskArn,
    [ATTR_AWS_ECS_TASK_ID]: taskArn?.slice(taskArn.lastIndexOf('/') + 1),
    [ATTR_AWS_ECS_TASK_FAMILY]: textOf(task.Family),
    [ATTR_AWS_ECS_TASK_REVISION]: textOf(task.Revision),
    [ATTR_CLOUD_ACCOUNT_ID]: account,
    ...(region !== undefined && { [ATTR_CLOUD_REGION]: region }),
    [ATTR_CLOUD_AVAILABILITY_ZONE]: textOf(task.AvailabilityZone),
    [ATTR_CLOUD_RESOURCE_ID]: containerArn,
    [ATTR_CONTAINER_ID]: textOf(container.DockerId),
    [ATTR_CONTAINER_NAME]: textOf(container.DockerName),
    ...ecsLogs(container, containerArn),
  };
}

function ecsLogs({ LogDriver, LogOptions }: EcsContainer, containerArn = ''): Found {
  const group = textOf(LogOptions?.['awslogs-group']);
  if (LogDriver !== 'awslogs' || group === undefined) return {};
  const stream = textOf(LogOptions?.['awslogs-stream']);
  const [arn, partition, , ownRegion, account] = containerArn.split(':');
  const region = textOf(LogOptions?.['awslogs-region']) ?? ownRegion;
  const groupArn = `${arn}:${partition}:logs:${region}:${account}:log-group:${group}`;
  return {
    [ATTR_AWS_LOG_GROUP_NAMES]: [group],
    [ATTR_AWS_LOG_STREAM_NAMES]: stream && [stream],
    ...(account !== undefined && {
      [ATTR_AWS_LOG_GROUP_ARNS]: [groupArn],
      [ATTR_AWS_LOG_STREAM_ARNS]: stream && [`${groupArn}:log-stream:${stream}`],
    }),
  };
}

/** EKS puts a token of its own into pods with a role; the cluster's own tokens name it as well. */
async function eks(surroundings: Surroundings): Promise<Found | undefined> {
  const { env } = surroundings;
  if (!env['KUBERNETES_SERVICE_HOST']) return undefined;
  const [, region] =
    /^oidc\.eks\.([\w-]+)\.amazonaws\.com/.exec((await clusterIssuer(surroundings))?.host ?? '') ??
    [];
  const tokens = `${env['AWS_WEB_IDENTITY_TOKEN_FILE']} ${env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE']}`;
  if (region === undefined && !tokens.includes('eks.amazonaws.com')) return undefined;
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AWS_EKS,
    ...(region !== undefined && { [ATTR_CLOUD_REGION]: region }),
  };
}

async function beanstalk({ readText }: Surroundings): Promise<Found | undefined> {
  const text = await readText?.('/var/elasticbeanstalk/xray/environment.conf');
  if (text === undefined) return undefined;
  const { deployment_id, environment_name, version_label } = parsed(text) as Record<
    string,
    unknown
  >;
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AWS_ELASTIC_BEANSTALK,
    [ATTR_SERVICE_NAMESPACE]: textOf(environment_name),
    [ATTR_SERVICE_VERSION]: textOf(version_label),
    // A number in the file.
    [ATTR_SERVICE_INSTANCE_ID]:
      typeof deployment_id === 'number' ? String(deployment_id) : textOf(deployment_id),
  };
}

async function ec2(surroundings: Surroundings): Promise<Found | undefined> {
  // Nitro says so in its firmware; Xen in the id of the virtual machine.
  const nitro = (await dmi(surroundings, 'sys_vendor')) === 'Amazon EC2';
  const xen = (await surroundings.readText?.('/sys/hypervisor/uuid')) ?? '';
  if (!nitro && !/^ec2/i.test(xen)) return undefined;
  const tag = await dmi(surroundings, 'board_asset_tag');
  const { id, region, zone } = await cloudInit(surroundings);
  const instance = /^i-[0-9a-f]+$/.test(tag) ? tag : id;
  return {
    [ATTR_CLOUD_PLATFORM]: CLOUD_PLATFORM_VALUE_AWS_EC2,
    [ATTR_HOST_ID]: instance,
    [ATTR_HOST_TYPE]: nitro ? (await dmi(surroundings, 'product_name')) || undefined : undefined,
    [ATTR_CLOUD_AVAILABILITY_ZONE]: zone,
    ...(region !== undefined && { [ATTR_CLOUD_REGION]: region }),
  };
}
