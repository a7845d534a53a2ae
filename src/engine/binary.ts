import {
  type EngineName,
  type EngineSources,
  firstThatOpens,
  instantiate,
  type LinearMemory,
  newMemory,
  notLoaded,
  PAGE_BYTES,
  type PortableModule,
  pagesOf,
} from './select.ts';

/** One of the binaries besides the core, running over a memory of its own. */
export interface Binary<Exports> {
  readonly engine: EngineName;
  readonly exports: Exports;
  readonly buffer: ArrayBuffer;
  /**
   * The same with more memory, in which everything stands where it stood. This one is not to be
   * used any more.
   *
   * @param memoryBytes at least what there is; rounded up to whole pages.
   * @throws RangeError when the host has not that much, or it is more than `maxBytes`; then this
   *   one is as it was.
   */
  grown(memoryBytes: number): Binary<Exports>;
}

/**
 * A binary on the first engine that works, as `firstThatOpens` says.
 *
 * @param memoryBytes size of its memory; rounded up to whole pages.
 * @param maxBytes how far that may grow. By default not at all.
 * @param requested forces an engine.
 */
export function selectBinary<Exports>(
  sources: EngineSources<Exports>,
  memoryBytes: number,
  maxBytes = memoryBytes,
  requested?: EngineName,
): Binary<Exports> | Promise<Binary<Exports>> {
  const maximum = pagesOf(maxBytes);
  return firstThatOpens<Exports, Binary<Exports>>(sources, requested, (engine, source) => {
    const memory = newMemory(source, pagesOf(memoryBytes), maximum);
    if ('instantiate' in source) return portable(source, memory, maximum);
    return wasm(engine, instantiate(source, memory), memory as WebAssembly.Memory);
  });
}

function wasm<Exports>(
  engine: EngineName,
  exports: Exports,
  memory: WebAssembly.Memory,
): Binary<Exports> {
  const { buffer } = memory;
  return {
    engine,
    exports,
    buffer,
    grown(memoryBytes) {
      memory.grow(pagesOf(memoryBytes) - buffer.byteLength / PAGE_BYTES);
      return wasm(engine, exports, memory);
    },
  };
}

/** JavaScript has its memory once and for all, but nothing besides it that would be lost. */
function portable<Exports>(
  module: PortableModule<Exports>,
  memory: LinearMemory,
  maximum: number,
): Binary<Exports> {
  const { buffer } = memory;
  return {
    engine: 'portable',
    exports: instantiate(module, memory),
    buffer,
    grown(memoryBytes) {
      const pages = pagesOf(memoryBytes);
      if (pages > maximum) throw new RangeError(`more than ${maximum} pages of memory`);
      const larger = newMemory(module, pages, maximum);
      new Uint8Array(larger.buffer).set(new Uint8Array(buffer));
      return portable(module, larger, maximum);
    },
  };
}

/** What an entry runs on, had when it is first used. */
export interface OnFirstUse<Opened> {
  /** @throws OtlpError `engine_unavailable` where it must be loaded and is not yet, or cannot be had. */
  now(): Opened;
  /** Resolves when it is there, rejects as {@link OnFirstUse.now} throws. */
  ready(): Promise<void>;
}

/**
 * @param entry of the package, for what errors say.
 * @param open is called by the first use, and again by one after it failed.
 */
export function onFirstUse<Opened extends object>(
  entry: string,
  open: () => Opened | Promise<Opened>,
): OnFirstUse<Opened> {
  let opened: Opened | undefined;
  let loading: Promise<Opened> | undefined;

  function use(): Opened | Promise<Opened> {
    if (opened !== undefined) return opened;
    if (loading !== undefined) return loading;
    const first = open();
    if (!('then' in first)) {
      opened = first;
      return first;
    }
    loading = (first as Promise<Opened>)
      .then((loaded) => {
        opened = loaded;
        return loaded;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  }

  return {
    now() {
      const used = use();
      if (!('then' in used)) return used;
      (used as Promise<Opened>).catch(() => {});
      throw notLoaded(entry);
    },
    async ready() {
      await use();
    },
  };
}
