/**
 * `otlp-wasm/resources`: resources, their merge rules, and detectors to choose from and to write
 * (OpenTelemetry specification, "Resource SDK").
 */

export type {
  AnyResourceDetector,
  DetectedAttributes,
  ResourceDetector,
  Surroundings,
  System,
  UpstreamResourceDetector,
} from './api/resource/detector.ts';
export { awsDetector } from './api/resource/detectors/aws.ts';
export { azureDetector } from './api/resource/detectors/azure.ts';
export { browserDetector } from './api/resource/detectors/browser.ts';
export { cloudflareDetector } from './api/resource/detectors/cloudflare.ts';
export { containerDetector } from './api/resource/detectors/container.ts';
export { gcpDetector } from './api/resource/detectors/gcp.ts';
export { kubernetesDetector } from './api/resource/detectors/kubernetes.ts';
export { flyDetector, herokuDetector, vercelDetector } from './api/resource/detectors/platforms.ts';
export { serviceDetector } from './api/resource/detectors/service.ts';
export {
  hostDetector,
  osDetector,
  processArgumentsDetector,
  processDetector,
} from './api/resource/detectors/system.ts';
export { createResource, mergeResources, type Resource } from './api/resource/resource.ts';
export { SCHEMA_URL } from './api/resource/schema-url.ts';
