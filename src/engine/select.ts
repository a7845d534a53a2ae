import { OtlpError } from '../errors.ts';
import type { CoreExports, PortableExports } from './generated/contract.ts';

/** `simd` and `scalar` are WebAssembly; `portable` is the same core as plain JavaScript. */
export type EngineName = 'simd' | 'scalar' | 'portable';

export interface PortableModule {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): PortableExports;
}

/** Where a host has its engines; each is asked for only when it is tried. */
export interface EngineSources {
  readonly simd: () => WasmSource | Promise<WasmSource>;
  readonly scalar: () => WasmSource | Promise<WasmSource>;
  readonly portable: () => PortableModule | Promise<PortableModule>;
}

/** A binary to compile, or a module that the host has compiled. */
export type WasmSource = Uint8Array<ArrayBuffer> | WebAssembly.Module;

/** A running engine: its kernels and the linear memory they share with TypeScript. */
export interface Engine {
  readonly name: EngineName;
  /** Why this one: what was asked for, or why the better ones could not be had. */
  readonly reason: string;
  readonly buffer: ArrayBuffer;
  readonly core: PortableExports;
  /** The kernels the portable engine leaves to the host. */
  readonly kernels: CoreExports | undefined;
}

const PAGE_BYTES = 65536;

/** Why an attempt failed, in one bounded line. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 160);
}

type Source = WasmSource | PortableModule;

function instantiate(name: EngineName, source: Source, pages: number, reason: string): Engine {
  if ('instantiate' in source) {
    const buffer = new ArrayBuffer(pages * PAGE_BYTES);
    const core = source.instantiate({ env: { memory: { buffer } } });
    return { name, reason, buffer, core, kernels: undefined };
  }
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  // A module of another realm is not an instance of this one's WebAssembly.Module.
  const module =
    source instanceof Uint8Array
      ? new WebAssembly.Module(source as Uint8Array<ArrayBuffer>)
      : source;
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const core = instance.exports as unknown as CoreExports;
  return { name, reason, buffer: memory.buffer, core, kernels: core };
}

/** All of them, best first. */
export const ENGINES: readonly EngineName[] = ['simd', 'scalar', 'portable'];

/**
 * Picks an engine by trying: hosts that forbid WebAssembly, or SIMD, say so only when a module
 * is compiled or instantiated (`validate()` stays true). `requested` forces one.
 *
 * @param memoryBytes size of linear memory; rounded up to whole pages.
 * @returns the engine, or a promise of it where it must be loaded first.
 * @throws OtlpError `engine_unavailable` when `requested`, or any, cannot be had; the promise
 *   rejects with it where something had to be loaded.
 */
export function selectEngine(
  sources: EngineSources,
  requested: EngineName | undefined,
  memoryBytes: number,
): Engine | Promise<Engine> {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  const names = requested === undefined ? ENGINES : [requested];
  const failures: string[] = [];

  function attempt(at: number): Engine | Promise<Engine> {
    const name = names[at];
    if (name === undefined) throw unavailable(requested, failures);
    const reason = requested ? 'asked for' : failures.join('; ') || 'the fastest works here';
    const failed = (error: unknown) => {
      failures.push(`${name} failed: ${reasonOf(error)}`);
      return attempt(at + 1);
    };
    try {
      const source: Source | Promise<Source> = sources[name]();
      if (!('then' in source)) return instantiate(name, source, pages, reason);
      return (source as Promise<Source>)
        .then((loaded) => instantiate(name, loaded, pages, reason))
        .catch(failed);
    } catch (error) {
      return failed(error);
    }
  }

  return attempt(0);
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
