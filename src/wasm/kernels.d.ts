declare module '*.wasm' {
  /** The file's bytes as `textOf` writes them. */
  const text: string;
  export default text;
}
