import module from 'downhill/kernels.wasm';

export const refuse = false;

/** What is imported is compiled beforehand; nothing else may be. */
export const source = () => ({ alone: "Cloudflare's workers have no threads", compile: () => module });
