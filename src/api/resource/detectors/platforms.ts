/** Platforms that tell everything by variables. */

import {
  ATTR_CLOUD_PLATFORM,
  ATTR_CLOUD_PROVIDER,
  ATTR_CLOUD_REGION,
  ATTR_CONTAINER_IMAGE_NAME,
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_DEPLOYMENT_ID,
  ATTR_HEROKU_APP_ID,
  ATTR_HEROKU_RELEASE_COMMIT,
  ATTR_HEROKU_RELEASE_CREATION_TIMESTAMP,
  ATTR_HOST_ID,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
  ATTR_VCS_REF_HEAD_NAME,
  ATTR_VCS_REF_HEAD_REVISION,
  ATTR_VCS_REPOSITORY_NAME,
  CLOUD_PROVIDER_VALUE_HEROKU,
} from '@opentelemetry/semantic-conventions/incubating';
import type { DetectedAttributes, ResourceDetector, Surroundings } from '../detector.ts';
import { SCHEMA_URL } from '../schema-url.ts';
import { firstOf } from './surroundings.ts';

/** A platform that can be told by a variable of its own. */
function platform(
  name: string,
  mark: string,
  read: (get: (...names: string[]) => string | undefined) => DetectedAttributes,
): ResourceDetector {
  return {
    name,
    schemaUrl: SCHEMA_URL,
    detect: ({ env }: Surroundings) =>
      env[mark] ? read((...names) => firstOf(env, ...names)) : {},
  };
}

/** Vercel, by its system variables. */
export const vercelDetector: ResourceDetector = platform('vercel', 'VERCEL', (get) => ({
  [ATTR_CLOUD_PROVIDER]: 'vercel',
  [ATTR_CLOUD_PLATFORM]: 'vercel.functions',
  [ATTR_CLOUD_REGION]: get('VERCEL_REGION'),
  [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: get('VERCEL_TARGET_ENV', 'VERCEL_ENV'),
  [ATTR_DEPLOYMENT_ID]: get('VERCEL_DEPLOYMENT_ID'),
  [ATTR_VCS_REPOSITORY_NAME]: get('VERCEL_GIT_REPO_SLUG'),
  [ATTR_VCS_REF_HEAD_NAME]: get('VERCEL_GIT_COMMIT_REF'),
  [ATTR_VCS_REF_HEAD_REVISION]: get('VERCEL_GIT_COMMIT_SHA'),
}));

/** Fly.io, by the variables of its machines. */
export const flyDetector: ResourceDetector = platform('fly', 'FLY_APP_NAME', (get) => ({
  [ATTR_CLOUD_PROVIDER]: 'fly_io',
  [ATTR_CLOUD_PLATFORM]: 'fly_io.machines',
  [ATTR_CLOUD_REGION]: get('FLY_REGION'),
  [ATTR_SERVICE_NAME]: get('FLY_APP_NAME'),
  [ATTR_HOST_ID]: get('FLY_MACHINE_ID', 'FLY_ALLOC_ID'),
  [ATTR_CONTAINER_IMAGE_NAME]: get('FLY_IMAGE_REF'),
}));

/** Heroku, by the variables of its labs feature "dyno metadata" (semantic conventions, "Heroku"). */
export const herokuDetector: ResourceDetector = platform('heroku', 'HEROKU_APP_ID', (get) => ({
  [ATTR_CLOUD_PROVIDER]: CLOUD_PROVIDER_VALUE_HEROKU,
  [ATTR_HEROKU_APP_ID]: get('HEROKU_APP_ID'),
  [ATTR_SERVICE_NAME]: get('HEROKU_APP_NAME'),
  [ATTR_SERVICE_INSTANCE_ID]: get('HEROKU_DYNO_ID'),
  [ATTR_SERVICE_VERSION]: get('HEROKU_RELEASE_VERSION'),
  [ATTR_HEROKU_RELEASE_CREATION_TIMESTAMP]: get('HEROKU_RELEASE_CREATED_AT'),
  [ATTR_HEROKU_RELEASE_COMMIT]: get('HEROKU_BUILD_COMMIT', 'HEROKU_SLUG_COMMIT'),
}));
