import type { HostBrotli } from '../../compress.ts';

interface Zlib {
  brotliCompressSync(
    bytes: Uint8Array,
    options: { readonly params: Readonly<Record<number, number>> },
  ): Uint8Array;
  readonly constants: {
    readonly BROTLI_PARAM_QUALITY: number;
    readonly BROTLI_PARAM_SIZE_HINT: number;
  };
}

/** Deno has Node's modules, workerd with `nodejs_compat`. */
export const brotli: HostBrotli = (bytes, quality) => {
  const { process } = globalThis as {
    process?: { getBuiltinModule?(name: string): unknown };
  };
  const zlib = process?.getBuiltinModule?.('node:zlib') as Zlib | undefined;
  if (zlib?.brotliCompressSync === undefined) return undefined;
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  return zlib.brotliCompressSync(bytes, {
    params: { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
};
