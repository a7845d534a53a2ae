/** A statically imported WebAssembly file is a compiled module on edge hosts. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  // biome-ignore lint/style/noDefaultExport: that is how hosts hand it over.
  export default module;
}
