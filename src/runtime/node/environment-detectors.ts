/** Detectors that read files and environment: a chunk of their own, loaded after the start. */

export { awsDetector as aws } from '../../api/resource/detectors/aws.ts';
export { azureDetector as azure } from '../../api/resource/detectors/azure.ts';
export { cloudflareDetector as cloudflare } from '../../api/resource/detectors/cloudflare.ts';
export { containerDetector as container } from '../../api/resource/detectors/container.ts';
export { gcpDetector as gcp } from '../../api/resource/detectors/gcp.ts';
export { kubernetesDetector as kubernetes } from '../../api/resource/detectors/kubernetes.ts';
export {
  flyDetector as fly,
  herokuDetector as heroku,
  vercelDetector as vercel,
} from '../../api/resource/detectors/platforms.ts';
