import { OtlpError } from '../errors.ts';
import type { CoreExports, PortableExports } from './generated/contract.ts';

/** `simd` and `scalar` are WebAssembly; `portable` is the same core as plain JavaScript. */
export type EngineName = 'simd' | 'scalar' | 'portable';

export interface PortableModule {
  instantiate(imports: { env: { memory: { buffer: ArrayBuffer } } }): PortableExports;
}

/** Where a host has its engines; each is asked for only when it is tried. */
export interface EngineSources {
  readonly simd: () => Uint8Array<ArrayBuffer> | WebAssembly.Module;
  readonly scalar: () => Uint8Array<ArrayBuffer> | WebAssembly.Module;
  readonly portable: () => PortableModule | Promise<PortableModule>;
}

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

function instantiateWasm(name: 'simd' | 'scalar', sources: EngineSources, pages: number) {
  const source = sources[name]();
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  // A module of another realm is not an instance of this one's WebAssembly.Module.
  const module =
    source instanceof Uint8Array
      ? new WebAssembly.Module(source as Uint8Array<ArrayBuffer>)
      : source;
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { buffer: memory.buffer, core: instance.exports as unknown as CoreExports };
}

function instantiatePortable(module: PortableModule, pages: number, reason: string): Engine {
  const buffer = new ArrayBuffer(pages * PAGE_BYTES);
  const core = module.instantiate({ env: { memory: { buffer } } });
  return { name: 'portable', reason, buffer, core, kernels: undefined };
}

/**
 * Picks an engine by trying: hosts that forbid WebAssembly, or SIMD, say so only when a module
 * is compiled or instantiated (`validate()` stays true). `requested` forces one.
 *
 * @param memoryBytes size of linear memory; rounded up to whole pages.
 * @returns the engine, or a promise of it where the portable one must be loaded first.
 * @throws OtlpError `engine_unavailable` when `requested` cannot be had.
 */
export function selectEngine(
  sources: EngineSources,
  requested: EngineName | undefined,
  memoryBytes: number,
): Engine | Promise<Engine> {
  const pages = Math.ceil(memoryBytes / PAGE_BYTES);
  const failures: string[] = [];
  for (const name of ['simd', 'scalar'] as const) {
    if (requested !== undefined && requested !== name) continue;
    try {
      const { buffer, core } = instantiateWasm(name, sources, pages);
      const reason = requested ? 'asked for' : failures.join('; ') || 'the fastest works here';
      return { name, reason, buffer, core, kernels: core };
    } catch (error) {
      failures.push(`${name} failed: ${reasonOf(error)}`);
    }
  }
  if (requested !== undefined && requested !== 'portable') {
    throw new OtlpError(
      'engine_unavailable',
      `engine '${requested}' cannot be had on this host (${failures.join('; ')}). ` +
        `Leave the option 'engine' out to use the best one that works.`,
    );
  }
  const reason = requested ? 'asked for' : failures.join('; ');
  const module = sources.portable();
  return 'then' in module
    ? module.then((loaded) => instantiatePortable(loaded, pages, reason))
    : instantiatePortable(module, pages, reason);
}
