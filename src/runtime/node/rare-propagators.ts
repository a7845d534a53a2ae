/** A file of its own, `dist/rare-propagators.cjs`, which is loaded when one of these is named. */

export { jaeger } from '../../api/propagation/jaeger.ts';
export { otTrace as ottrace } from '../../api/propagation/ot-trace.ts';
export { xray } from '../../api/propagation/xray.ts';
