/** Calls back once after `delayMs`, without keeping a process alive; returns what cancels it. */
export function setTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  unref(timer);
  return () => clearTimeout(timer);
}

/** Deno's timers are numbers, Bun's and Node's have unref; neither may keep a process alive. */
function unref(timer: unknown): void {
  const { Deno: deno } = globalThis as { Deno?: { unrefTimer?(id: unknown): void } };
  if (typeof timer === 'object' && timer !== null) (timer as { unref?(): void }).unref?.();
  else deno?.unrefTimer?.(timer);
}
