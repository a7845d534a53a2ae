import { OtlpError } from '../errors.ts';
import type { CoreExports, PortableExports } from './generated/contract.ts';

/** `simd` and `scalar` are WebAssembly; `portable` is the same core as plain JavaScript. */
export type EngineName = 'simd' | 'scalar' | 'portable';

export interface PortableModule<Exports = PortableExports> {
  instantiate(imports: { env: { memory: LinearMemory } }): Exports;
}

/** A `WebAssembly.Memory`, or what stands for one where there is none. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
}

/** Where a host has a binary for each engine; each is asked for only when it is tried. */
export interface EngineSources<Exports = PortableExports> {
  readonly simd: () => WasmSource | Promise<WasmSource>;
  readonly scalar: () => WasmSource | Promise<WasmSource>;
  readonly portable: () => PortableModule<Exports> | Promise<PortableModule<Exports>>;
}

/** A binary to compile, or a module that the host has compiled. */
export type WasmSource = Uint8Array<ArrayBuffer> | WebAssembly.Module;

/** A running engine: its kernels and the linear memory they share with TypeScript. */
export interface Engine {
  readonly name: EngineName;
  /** Why this one: what was asked for, or why the better ones could not be had. */
  readonly reason: string;
  readonly buffer: ArrayBuffer;
  /** The same, for other binaries to run over. */
  readonly memory: LinearMemory;
  readonly core: PortableExports;
  /** The kernels the portable engine leaves to the host. */
  readonly kernels: CoreExports | undefined;
}

export const PAGE_BYTES = 65536;

/** Why an attempt failed, in one bounded line. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 160);
}

/** `bytes` in whole pages of a WebAssembly.Memory. */
export function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/** A memory of so many pages for what `source` has. */
export function newMemory<Exports>(
  source: WasmSource | PortableModule<Exports>,
  initial: number,
  maximum: number,
): LinearMemory {
  if ('instantiate' in source) return { buffer: new ArrayBuffer(initial * PAGE_BYTES) };
  return new WebAssembly.Memory({ initial, maximum });
}

/** What a binary exports, run over a memory that {@link newMemory} made for it or one like it. */
export function instantiate<Exports>(
  source: WasmSource | PortableModule<Exports>,
  memory: LinearMemory,
): Exports {
  if ('instantiate' in source) return source.instantiate({ env: { memory } });
  // A module of another realm is not an instance of this one's WebAssembly.Module.
  const module =
    source instanceof Uint8Array
      ? new WebAssembly.Module(source as Uint8Array<ArrayBuffer>)
      : source;
  const imports = { env: { memory: memory as WebAssembly.Memory } };
  return new WebAssembly.Instance(module, imports).exports as unknown as Exports;
}

/** All of them, best first. */
export const ENGINES: readonly EngineName[] = ['simd', 'scalar', 'portable'];

/** Makes what was loaded run. */
type Open<Exports, Opened> = (
  name: EngineName,
  source: WasmSource | PortableModule<Exports>,
  reason: string,
) => Opened;

/**
 * Picks an engine by trying: hosts that forbid WebAssembly, or SIMD, say so only when a module
 * is compiled or instantiated (`validate()` stays true). `requested` forces one.
 *
 * @returns what `open` made of the first that works, or a promise of it where it must be loaded
 *   first.
 * @throws OtlpError `engine_unavailable` when `requested`, or any, cannot be had; the promise
 *   rejects with it where something had to be loaded.
 */
export function firstThatOpens<Exports, Opened extends object>(
  sources: EngineSources<Exports>,
  requested: EngineName | undefined,
  open: Open<Exports, Opened>,
): Opened | Promise<Opened> {
  type Source = WasmSource | PortableModule<Exports>;
  const names = requested === undefined ? ENGINES : [requested];
  const failures: string[] = [];

  function attempt(at: number): Opened | Promise<Opened> {
    const name = names[at];
    if (name === undefined) throw unavailable(requested, failures);
    const reason = requested ? 'asked for' : failures.join('; ') || 'the fastest works here';
    const failed = (error: unknown) => {
      failures.push(`${name} failed: ${reasonOf(error)}`);
      return attempt(at + 1);
    };
    try {
      const source: Source | Promise<Source> = sources[name]();
      if (!('then' in source)) return open(name, source, reason);
      return (source as Promise<Source>).then((loaded) => open(name, loaded, reason)).catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  return attempt(0);
}

/**
 * The core on the first engine that works ({@link firstThatOpens}).
 *
 * @param memoryBytes size of linear memory; rounded up to whole pages.
 */
export function selectEngine(
  sources: EngineSources,
  requested: EngineName | undefined,
  memoryBytes: number,
): Engine | Promise<Engine> {
  const pages = pagesOf(memoryBytes);
  return firstThatOpens<PortableExports, Engine>(sources, requested, (name, source, reason) => {
    const memory = newMemory(source, pages, pages);
    const core = instantiate(source, memory);
    const kernels = 'instantiate' in source ? undefined : (core as CoreExports);
    return { name, reason, buffer: memory.buffer, memory, core, kernels };
  });
}

function unavailable(requested: EngineName | undefined, failures: readonly string[]): OtlpError {
  const seen = failures.join('; ');
  return new OtlpError(
    'engine_unavailable',
    requested === undefined
      ? `no engine works on this host (${seen}).`
      : `engine '${requested}' cannot be had on this host (${seen}). ` +
          `Leave the option 'engine' out to use the best one that works.`,
  );
}

/** What a function of an entry says that is called before `ready()` of that entry. */
export function notLoaded(entry: string): OtlpError {
  return new OtlpError(
    'engine_unavailable',
    'this host has no SIMD WebAssembly, or refuses all of it, and another engine is not loaded ' +
      `yet; call 'await ready()' of '${entry}' once before.`,
  );
}
