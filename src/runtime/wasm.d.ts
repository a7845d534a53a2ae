/** A statically imported WebAssembly file is a compiled module on edge hosts. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
