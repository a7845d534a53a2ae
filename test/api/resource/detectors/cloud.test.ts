import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { awsDetector } from '../../../../src/api/resource/detectors/aws.ts';
import { azureDetector } from '../../../../src/api/resource/detectors/azure.ts';
import { cloudflareDetector } from '../../../../src/api/resource/detectors/cloudflare.ts';
import { gcpDetector } from '../../../../src/api/resource/detectors/gcp.ts';
import {
  flyDetector,
  herokuDetector,
  vercelDetector,
} from '../../../../src/api/resource/detectors/platforms.ts';
import { found, type SurroundingsPlan, tokenOf } from '../../../support/surroundings.ts';

const DMI = '/sys/class/dmi/id';
const CLOUD_INIT = '/run/cloud-init/instance-data.json';
const TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const METADATA = 'http://169.254.170.2/v4/one';
const TASK = 'arn:aws:ecs:eu-west-1:123456789012:task/shop/10838bed421f43ef870af43feacbbb5b';
const CONTAINER = 'arn:aws:ecs:eu-west-1:123456789012:container/shop/10838bed/32624152';

interface Case extends SurroundingsPlan {
  readonly expected: Readonly<Record<string, unknown>>;
}

const AWS: Record<string, Case> = {
  Lambda: {
    env: {
      AWS_REGION: 'eu-west-1',
      AWS_LAMBDA_FUNCTION_NAME: 'cart',
      AWS_LAMBDA_FUNCTION_VERSION: '26',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/cart',
      AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/01/[26]abc',
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_lambda',
      'cloud.region': 'eu-west-1',
      'faas.name': 'cart',
      'faas.version': '26',
      'faas.max_memory': 134_217_728,
      'faas.instance': '2026/01/01/[26]abc',
      'aws.log.group.names': ['/aws/lambda/cart'],
      'aws.log.stream.names': ['2026/01/01/[26]abc'],
    },
  },
  'Lambda that tells little': {
    env: { AWS_LAMBDA_FUNCTION_NAME: 'cart', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 'much' },
    expected: { 'cloud.provider': 'aws', 'cloud.platform': 'aws_lambda', 'faas.name': 'cart' },
  },
  'ECS on Fargate': {
    env: { ECS_CONTAINER_METADATA_URI_V4: METADATA, AWS_REGION: 'us-east-1' },
    documents: {
      [METADATA]: {
        DockerId: 'cd189a933e5849daa93386466019ab50-2495160603',
        DockerName: 'cart',
        ContainerARN: CONTAINER,
        LogDriver: 'awslogs',
        LogOptions: {
          'awslogs-group': '/ecs/shop',
          'awslogs-region': 'eu-west-1',
          'awslogs-stream': 'ecs/cart/cd18',
        },
      },
      [`${METADATA}/task`]: {
        Cluster: 'shop',
        TaskARN: TASK,
        Family: 'cart-family',
        Revision: '8',
        LaunchType: 'FARGATE',
        AvailabilityZone: 'eu-west-1a',
      },
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ecs',
      'cloud.region': 'eu-west-1',
      'cloud.availability_zone': 'eu-west-1a',
      'cloud.account.id': '123456789012',
      'cloud.resource_id': CONTAINER,
      'container.id': 'cd189a933e5849daa93386466019ab50-2495160603',
      'container.name': 'cart',
      'aws.ecs.container.arn': CONTAINER,
      'aws.ecs.cluster.arn': 'arn:aws:ecs:eu-west-1:123456789012:cluster/shop',
      'aws.ecs.launchtype': 'fargate',
      'aws.ecs.task.arn': TASK,
      'aws.ecs.task.id': '10838bed421f43ef870af43feacbbb5b',
      'aws.ecs.task.family': 'cart-family',
      'aws.ecs.task.revision': '8',
      'aws.log.group.names': ['/ecs/shop'],
      'aws.log.group.arns': ['arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop'],
      'aws.log.stream.names': ['ecs/cart/cd18'],
      'aws.log.stream.arns': [
        'arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/shop:log-stream:ecs/cart/cd18',
      ],
    },
  },
  'ECS whose task cannot be had': {
    env: { ECS_CONTAINER_METADATA_URI_V4: METADATA, AWS_REGION: 'us-east-1' },
    documents: { [METADATA]: { DockerId: 'abc', LogDriver: 'json-file', ContainerARN: 7 } },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ecs',
      'cloud.region': 'us-east-1',
      'container.id': 'abc',
    },
  },
  'ECS with a cluster by its ARN, of a launch type that is none': {
    env: { ECS_CONTAINER_METADATA_URI_V4: METADATA },
    documents: {
      [`${METADATA}/task`]: { Cluster: 'arn:aws:ecs:x:1:cluster/a', LaunchType: 'EXTERNAL' },
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ecs',
      'aws.ecs.cluster.arn': 'arn:aws:ecs:x:1:cluster/a',
    },
  },
  'ECS with the metadata of before': {
    env: { ECS_CONTAINER_METADATA_URI: 'http://169.254.170.2/v3/one' },
    expected: { 'cloud.provider': 'aws', 'cloud.platform': 'aws_ecs' },
  },
  'EKS by the token of a role': {
    env: {
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      AWS_REGION: 'eu-west-1',
      AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/secrets/eks.amazonaws.com/serviceaccount/token',
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_eks',
      'cloud.region': 'eu-west-1',
    },
  },
  'EKS by the issuer of the token of the account': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: { [TOKEN]: tokenOf('https://oidc.eks.eu-central-1.amazonaws.com/id/ABC') },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_eks',
      'cloud.region': 'eu-central-1',
    },
  },
  'Elastic Beanstalk': {
    files: {
      '/var/elasticbeanstalk/xray/environment.conf': JSON.stringify({
        deployment_id: 23,
        environment_name: 'shop-prod',
        version_label: 'v7',
      }),
      [`${DMI}/sys_vendor`]: 'Amazon EC2\n',
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_elastic_beanstalk',
      'service.namespace': 'shop-prod',
      'service.version': 'v7',
      'service.instance.id': '23',
    },
  },
  'EC2 on Nitro': {
    files: {
      [`${DMI}/sys_vendor`]: 'Amazon EC2\n',
      [`${DMI}/board_asset_tag`]: 'i-07b06b442921831e5\n',
      [`${DMI}/product_name`]: 'm5.large\n',
      [CLOUD_INIT]: JSON.stringify({
        v1: { region: 'eu-west-1', availability_zone: 'eu-west-1b', instance_id: 'i-0' },
      }),
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ec2',
      'cloud.region': 'eu-west-1',
      'cloud.availability_zone': 'eu-west-1b',
      'host.id': 'i-07b06b442921831e5',
      'host.type': 'm5.large',
    },
  },
  'EC2 on Xen': {
    env: { AWS_DEFAULT_REGION: 'us-east-1' },
    files: {
      '/sys/hypervisor/uuid': 'EC2e1916-9099-7caf-fd21-012345abcdef\n',
      [CLOUD_INIT]: JSON.stringify({ v1: { instance_id: 'i-0abc' } }),
    },
    expected: {
      'cloud.provider': 'aws',
      'cloud.platform': 'aws_ec2',
      'cloud.region': 'us-east-1',
      'host.id': 'i-0abc',
    },
  },
  'not AWS, though its variables are set': { env: { AWS_REGION: 'eu-west-1' }, expected: {} },
  'a cluster elsewhere': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: { [TOKEN]: tokenOf('https://kubernetes.default.svc') },
    expected: {},
  },
};

const GCP: Record<string, Case> = {
  'Cloud Run service': {
    env: {
      K_SERVICE: 'cart',
      K_REVISION: 'cart-00002',
      K_CONFIGURATION: 'cart',
      GOOGLE_CLOUD_PROJECT: 'shop-1',
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_cloud_run',
      'cloud.account.id': 'shop-1',
      'faas.name': 'cart',
      'faas.version': 'cart-00002',
    },
  },
  'Cloud Run job': {
    env: { CLOUD_RUN_JOB: 'bill', CLOUD_RUN_EXECUTION: 'bill-xyz', CLOUD_RUN_TASK_INDEX: '0' },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_cloud_run',
      'faas.name': 'bill',
      'gcp.cloud_run.job.execution': 'bill-xyz',
      'gcp.cloud_run.job.task_index': 0,
    },
  },
  'Cloud Functions, second generation': {
    env: {
      K_SERVICE: 'pay',
      K_REVISION: 'pay-00007',
      K_CONFIGURATION: 'pay',
      FUNCTION_TARGET: 'handle',
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_cloud_functions',
      'faas.name': 'pay',
      'faas.version': 'pay-00007',
    },
  },
  'Cloud Functions, first generation': {
    env: {
      FUNCTION_NAME: 'pay',
      FUNCTION_REGION: 'europe-west1',
      FUNCTION_MEMORY_MB: '256',
      X_GOOGLE_FUNCTION_VERSION: '3',
      GCP_PROJECT: 'shop-1',
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_cloud_functions',
      'cloud.account.id': 'shop-1',
      'cloud.region': 'europe-west1',
      'faas.name': 'pay',
      'faas.version': '3',
      'faas.max_memory': 268_435_456,
    },
  },
  'App Engine': {
    env: {
      GAE_SERVICE: 'web',
      GAE_VERSION: 'v5',
      GAE_INSTANCE: 'i1',
      GAE_MEMORY_MB: '512',
      GOOGLE_CLOUD_PROJECT: 'shop-1',
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_app_engine',
      'cloud.account.id': 'shop-1',
      'faas.name': 'web',
      'faas.version': 'v5',
      'faas.instance': 'i1',
      'faas.max_memory': 536_870_912,
    },
  },
  'Kubernetes Engine in a zone': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: {
      [TOKEN]: tokenOf(
        'https://container.googleapis.com/v1/projects/shop-1/locations/europe-west1-b/clusters/prod',
      ),
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_kubernetes_engine',
      'cloud.account.id': 'shop-1',
      'cloud.region': 'europe-west1',
      'cloud.availability_zone': 'europe-west1-b',
      'k8s.cluster.name': 'prod',
    },
  },
  'Kubernetes Engine in a region': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: {
      [TOKEN]: tokenOf(
        'https://container.googleapis.com/v1/projects/p/locations/us-central1/clusters/c',
      ),
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_kubernetes_engine',
      'cloud.account.id': 'p',
      'cloud.region': 'us-central1',
      'k8s.cluster.name': 'c',
    },
  },
  'Compute Engine': {
    files: {
      [`${DMI}/product_name`]: 'Google Compute Engine\n',
      [CLOUD_INIT]: JSON.stringify({
        v1: { availability_zone: 'us-central1-a', instance_id: '123' },
      }),
    },
    expected: {
      'cloud.provider': 'gcp',
      'cloud.platform': 'gcp_compute_engine',
      'cloud.region': 'us-central1',
      'cloud.availability_zone': 'us-central1-a',
      'host.id': '123',
    },
  },
  'Compute Engine that tells nothing more': {
    files: { [`${DMI}/product_name`]: 'Google Compute Engine\n', [CLOUD_INIT]: 'no JSON' },
    expected: { 'cloud.provider': 'gcp', 'cloud.platform': 'gcp_compute_engine' },
  },
  'not GCP, though its variables are set': {
    env: { GOOGLE_CLOUD_PROJECT: 'shop-1', K_SERVICE: 'knative' },
    expected: {},
  },
};

const AZURE: Record<string, Case> = {
  'App Service': {
    env: {
      WEBSITE_SITE_NAME: 'shop',
      WEBSITE_INSTANCE_ID: 'instance-1',
      WEBSITE_HOSTNAME: 'shop.azurewebsites.net',
      WEBSITE_OWNER_NAME: 'sub-1+group-WestEuropewebspace',
      WEBSITE_RESOURCE_GROUP: 'group',
      WEBSITE_SLOT_NAME: 'production',
      REGION_NAME: 'West Europe',
    },
    expected: {
      'service.name': 'shop',
      'service.instance.id': 'instance-1',
      'host.id': 'shop.azurewebsites.net',
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.app_service',
      'cloud.region': 'West Europe',
      'cloud.account.id': 'sub-1',
      'cloud.resource_id':
        '/subscriptions/sub-1/resourceGroups/group/providers/Microsoft.Web/sites/shop',
      'azure.resource_group.name': 'group',
      'deployment.environment.name': 'production',
    },
  },
  Functions: {
    env: {
      WEBSITE_SITE_NAME: 'pay',
      FUNCTIONS_EXTENSION_VERSION: '~4',
      WEBSITE_INSTANCE_ID: 'instance-2',
      WEBSITE_MEMORY_LIMIT_MB: '1536',
      WEBSITE_HOSTNAME: 'pay.azurewebsites.net',
    },
    expected: {
      'service.name': 'pay',
      'service.instance.id': 'instance-2',
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.functions',
      'faas.name': 'pay',
      'faas.instance': 'instance-2',
      'faas.max_memory': 1_610_612_736,
    },
  },
  'Container Apps': {
    env: {
      CONTAINER_APP_NAME: 'cart',
      CONTAINER_APP_REVISION: 'cart--abc',
      CONTAINER_APP_REPLICA_NAME: 'cart--abc-1',
      CONTAINER_APP_ENV_DNS_SUFFIX: 'gentlestone-1234.westeurope.azurecontainerapps.io',
    },
    expected: {
      'service.name': 'cart',
      'service.version': 'cart--abc',
      'service.instance.id': 'cart--abc-1',
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.container_apps',
      'cloud.region': 'westeurope',
    },
  },
  'Kubernetes Service': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: { [TOKEN]: tokenOf('https://westeurope.oic.prod-aks.azure.com/tenant/id/') },
    expected: {
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.aks',
      'cloud.region': 'westeurope',
    },
  },
  'Kubernetes Service without an issuer of its own': {
    env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    files: { [TOKEN]: tokenOf('https://shop-dns-1a2b.hcp.westeurope.azmk8s.io:443') },
    expected: {
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.aks',
      'cloud.region': 'westeurope',
    },
  },
  'a virtual machine': {
    files: {
      [`${DMI}/chassis_asset_tag`]: '7783-7084-3265-9085-8269-3286-77\n',
      [CLOUD_INIT]: JSON.stringify({ v1: { region: 'westeurope', instance_id: 'vm-1' } }),
    },
    expected: {
      'cloud.provider': 'azure',
      'cloud.platform': 'azure.vm',
      'cloud.region': 'westeurope',
      'host.id': 'vm-1',
    },
  },
  'a machine of another maker': {
    files: { [`${DMI}/chassis_asset_tag`]: 'None\n' },
    expected: {},
  },
};

const VERCEL: Record<string, Case> = {
  'a function': {
    env: {
      VERCEL: '1',
      VERCEL_REGION: 'fra1',
      VERCEL_ENV: 'preview',
      VERCEL_DEPLOYMENT_ID: 'dpl_1',
      VERCEL_GIT_REPO_SLUG: 'shop',
      VERCEL_GIT_COMMIT_REF: 'main',
      VERCEL_GIT_COMMIT_SHA: 'fa1eade47b73733d6312d5abfad33ce9e4068081',
    },
    expected: {
      'cloud.provider': 'vercel',
      'cloud.platform': 'vercel.functions',
      'cloud.region': 'fra1',
      'deployment.environment.name': 'preview',
      'deployment.id': 'dpl_1',
      'vcs.repository.name': 'shop',
      'vcs.ref.head.name': 'main',
      'vcs.ref.head.revision': 'fa1eade47b73733d6312d5abfad33ce9e4068081',
    },
  },
  elsewhere: { env: { VERCEL_ENV: 'preview' }, expected: {} },
};

const FLY: Record<string, Case> = {
  'a machine': {
    env: {
      FLY_APP_NAME: 'shop',
      FLY_REGION: 'ams',
      FLY_MACHINE_ID: '148e',
      FLY_IMAGE_REF: 'registry.fly.io/shop:deployment-1',
    },
    expected: {
      'service.name': 'shop',
      'cloud.provider': 'fly_io',
      'cloud.platform': 'fly_io.machines',
      'cloud.region': 'ams',
      'host.id': '148e',
      'container.image.name': 'registry.fly.io/shop:deployment-1',
    },
  },
  elsewhere: { env: { FLY_REGION: 'ams' }, expected: {} },
};

const HEROKU: Record<string, Case> = {
  'a dyno': {
    env: {
      HEROKU_APP_ID: '2daa2797',
      HEROKU_APP_NAME: 'shop',
      HEROKU_DYNO_ID: 'dyno-1',
      HEROKU_RELEASE_VERSION: 'v12',
      HEROKU_RELEASE_CREATED_AT: '2026-01-01T00:00:00Z',
      HEROKU_SLUG_COMMIT: 'e613',
    },
    expected: {
      'cloud.provider': 'heroku',
      'service.name': 'shop',
      'service.version': 'v12',
      'service.instance.id': 'dyno-1',
      'heroku.app.id': '2daa2797',
      'heroku.release.creation_timestamp': '2026-01-01T00:00:00Z',
      'heroku.release.commit': 'e613',
    },
  },
  elsewhere: { env: { HEROKU_APP_NAME: 'shop' }, expected: {} },
};

const CLOUDFLARE: Record<string, Case> = {
  'a container': {
    env: {
      CLOUDFLARE_APPLICATION_ID: 'app',
      CLOUDFLARE_REGION: 'WEUR',
      CLOUDFLARE_DURABLE_OBJECT_ID: 'object-1',
    },
    expected: {
      'cloud.provider': 'cloudflare',
      'cloud.platform': 'cloudflare.containers',
      'cloud.region': 'WEUR',
      'service.instance.id': 'object-1',
    },
  },
  elsewhere: { env: { CLOUDFLARE_REGION: 'WEUR' }, expected: {} },
};

const TABLES = [
  [awsDetector, AWS],
  [gcpDetector, GCP],
  [azureDetector, AZURE],
  [vercelDetector, VERCEL],
  [flyDetector, FLY],
  [herokuDetector, HEROKU],
  [cloudflareDetector, CLOUDFLARE],
] as const;

describe.each(TABLES)('$name', (detector, cases) => {
  it.each(Object.entries(cases))('%s', async (_, { expected, ...plan }) => {
    expect(await found(detector, plan)).toEqual(expected);
  });

  it('finds nothing on any other cloud, nor on none', async () => {
    expect(await found(detector)).toEqual({});
    for (const [other, table] of TABLES) {
      if (other === detector) continue;
      for (const [name, { expected: _, ...plan }] of Object.entries(table)) {
        expect(await found(detector, plan), `${other.name}: ${name}`).toEqual({});
      }
    }
  });

  it('uses names of the semantic conventions alone', () => {
    const names = new Set<unknown>(Object.values(conventions));
    for (const { expected } of Object.values(cases)) {
      for (const name of Object.keys(expected)) expect(names, name).toContain(name);
    }
  });
});

describe('cloudflare in a worker', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('knows it by what the runtime says of itself', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    expect(await found(cloudflareDetector)).toEqual({
      'cloud.provider': 'cloudflare',
      'cloud.platform': 'cloudflare.workers',
    });
  });
});

it('AWS leaves a function on Vercel to Vercel, whose functions run on Lambda', async () => {
  const env = { VERCEL: '1', AWS_REGION: 'us-east-1', AWS_LAMBDA_FUNCTION_NAME: 'x' };
  expect(await found(awsDetector, { env })).toEqual({});
});

it('AWS asks no server but the one that the environment names', async () => {
  const asked: string[] = [];
  const getJson = async (url: string) => void asked.push(url);
  const readText = async () => undefined;
  const detect = async (env: Record<string, string>) =>
    awsDetector.detect({ env, fillRandom: () => {}, readText, getJson });
  await detect({ AWS_REGION: 'eu-west-1', AWS_EXECUTION_ENV: 'AWS_ECS_EC2' });
  expect(asked).toEqual([]);
  await detect({ ECS_CONTAINER_METADATA_URI_V4: METADATA });
  expect(asked).toEqual([METADATA, `${METADATA}/task`]);
});
