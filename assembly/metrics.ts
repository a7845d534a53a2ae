/**
 * What the binary `metrics` exports. Loaded when a program has metrics, on a memory of its own
 * (buffer/cell.ts draws it).
 */

export {
  addGroup,
  addSeries,
  addStream,
  clearExemplars,
  exemplarsOf,
  initCells,
  removeSeries,
  removeStream,
  setExemplarAttributes,
  take,
} from './buffer/cells';
export { recordHistogram } from './buffer/explicit';
export { recordExponential, setBuckets } from './buffer/exponential';
export { free } from './buffer/heap';
export { encodeCells } from './codec/metric';
