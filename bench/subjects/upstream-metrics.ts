/** Metrics of OpenTelemetry JS 3.x as subjects. */

import { metering } from '../rivals/upstream.mjs';

export {
  adding,
  collecting,
  counting,
  instrumentOf,
  openSeries,
  recording,
} from './metrics-sdk.ts';
export { metering as open };
