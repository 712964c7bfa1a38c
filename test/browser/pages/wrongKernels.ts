import { configure, loadKernels, tensor } from 'downhill/slim';

const said = (promise: Promise<unknown>) => promise.then(() => 'nothing', String);

/** A module that is empty but for a custom section `downhill`, if it has a text. */
function moduleOf(text?: string): Uint8Array {
  const name = text === undefined ? [] : [8, ...new TextEncoder().encode(`downhill${text}`)];
  return Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...(text === undefined ? [] : [0, name.length]), ...name);
}

/** What is said about kernels that are none, and that those at `address` are taken all the same. */
export default async function run({ address, missing }: { address: string; missing: string }) {
  const errors = {
    number: await said(loadKernels(5 as never)),
    nothing: await said(loadKernels(undefined as never)),
    missing: await said(loadKernels(missing)),
    response: await said(loadKernels(new Response('gone', { status: 410 }))),
    page: await said(loadKernels(new TextEncoder().encode('<!doctype html>'))),
    other: await said(loadKernels(moduleOf())),
    compiled: await said(loadKernels(WebAssembly.compile(moduleOf() as BufferSource))),
    version: await said(loadKernels(moduleOf('0123456789abcdef'))),
    late: await said((async () => configure({ threads: 1 }))()),
  };
  await loadKernels(address);
  return { errors, sum: tensor([1, 2]).sum().item() };
}
