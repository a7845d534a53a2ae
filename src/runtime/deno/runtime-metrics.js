// In JavaScript, since Node's functions, which Deno has, are typed for Node. Declarations come from
// ../node/runtime-metrics.ts.

import { recordOn } from '../../runtime-metrics/record.ts';
import { builtin } from '../node/builtin.ts';
import { cpuUsage, linuxProcess, openDescriptors, processState } from '../node/runtime-sources.ts';
import { granted } from './surroundings.ts';

/**
 * Of Node's functions, Deno's for the event loop answer zeros, or values that a blocked loop does not
 * change, and its observer of collections is never called: what they are for is left out.
 */
export function recordRuntimeMetrics(meterProvider, options = {}) {
  const proc = Deno.build.os === 'linux' && granted({ name: 'read', path: '/proc' });
  const sources = {
    now: () => performance.now(),
    warn: (line) => console.warn(line),
    cpu: cpuUsage,
    processors: () => navigator.hardwareConcurrency,
    process: proc ? linuxProcess : processState,
    fileDescriptors: proc ? openDescriptors : undefined,
    heapSpaces: () => builtin('node:v8').getHeapSpaceStatistics(),
    resources: () => process.getActiveResourcesInfo(),
  };
  return recordOn(sources, meterProvider, options);
}

export { isOtlpError, OtlpError } from '../../errors.ts';
