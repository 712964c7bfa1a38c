declare module '*.wasm' {
  /** The file's bytes as `textOf` writes them. */
  const text: string;
  export default text;
}

declare module 'downhill/kernels.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
