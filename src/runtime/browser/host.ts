import { browserDetector } from '../../api/resource/detectors/browser.ts';
import { inlinedEngines } from '../../engine/inlined.ts';
import type { ExitHooks, Host } from '../host.ts';
import { webHost } from '../web/host.ts';

/** A page or a worker in a browser. */
export const host: Host = webHost({
  name: 'browser',
  engines: inlinedEngines,
  detectors: [browserDetector],
  onExit: watchPageHide,
});

/** A hidden page may never be shown again: what waits is sent when it hides. */
function watchPageHide({ flush }: ExitHooks): () => void {
  const target = globalThis as unknown as {
    addEventListener?(type: string, listener: () => void): void;
    removeEventListener?(type: string, listener: () => void): void;
  };
  const listener = () => void flush();
  target.addEventListener?.('pagehide', listener);
  return () => target.removeEventListener?.('pagehide', listener);
}
