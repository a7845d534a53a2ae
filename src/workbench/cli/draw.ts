/**
 * What `npm run demo` draws with. Bundled for it as `dist/draw.js`, which is neither an entry of
 * the package nor shipped with it.
 */

export { painter, wantsColor } from './color.ts';
export { createLiveView } from './live.ts';
export { startProgress } from './progress.ts';
export { renderTable } from './table.ts';
export { counted, formatBytes, formatCount, formatDuration, formatRatio } from './text.ts';
export { renderWaterfall } from './waterfall.ts';
