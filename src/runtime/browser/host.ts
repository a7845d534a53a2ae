import { StackContextManager } from '../../api/context/stack.ts';
import { browserDetector } from '../../api/resource/detectors/browser.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import { metricsSources } from '../../engine/inlined-metrics.ts';
import type { ExitHooks, Host } from '../host.ts';
import { webHost } from '../web/host.ts';
import { compressor } from '../web/late-compressor.ts';
import { pageTransport } from './keepalive.ts';

/** A page or a worker in a browser. */
export const host: Host = webHost({
  name: 'browser',
  engines: inlinedEngines,
  metrics: metricsSources,
  compressor,
  detectors: [browserDetector],
  contextManager: () => ({
    manager: new StackContextManager(),
    kind: 'stack',
    reason: 'browser has no AsyncLocalStorage: context ends at the first await',
  }),
  httpTransport: pageTransport,
  onExit: watchPageHide,
});

interface Target {
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/**
 * A hidden page may never be shown again: what waits is sent when it hides. Leaving a page is
 * `pagehide`; on a phone the last that is heard of one is often that it is hidden.
 */
function watchPageHide({ flush }: ExitHooks): () => void {
  const page = globalThis as Target & { document?: Target & { readonly visibilityState: string } };
  const { document } = page;
  const onPageHide = () => void flush();
  const onVisibilityChange = () => {
    if (document?.visibilityState === 'hidden') void flush();
  };
  page.addEventListener?.('pagehide', onPageHide);
  document?.addEventListener?.('visibilitychange', onVisibilityChange);
  return () => {
    page.removeEventListener?.('pagehide', onPageHide);
    document?.removeEventListener?.('visibilitychange', onVisibilityChange);
  };
}
