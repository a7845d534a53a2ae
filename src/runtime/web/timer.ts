/**
 * Calls back once after `delayMs`, without keeping a process alive unless `keepAlive`; returns
 * what cancels it.
 */
export function setTimer(callback: () => void, delayMs: number, keepAlive = false): () => void {
  const timer = setTimeout(callback, delayMs);
  if (!keepAlive) unref(timer);
  return () => clearTimeout(timer);
}

/** Deno's timers are numbers, Bun's and Node's have unref. */
function unref(timer: unknown): void {
  const { Deno: deno } = globalThis as { Deno?: { unrefTimer?(id: unknown): void } };
  if (typeof timer === 'object' && timer !== null) (timer as { unref?(): void }).unref?.();
  else deno?.unrefTimer?.(timer);
}
