import * as downhill from 'downhill';
import * as slim from 'downhill/slim';

/** What the first may do and the second may not. */
const DEEDS = {
  tensor: async ({ tensor }: typeof downhill) => tensor([1, 2]).sum().item(),
  configure: async ({ configure }: typeof downhill) => configure({ threads: 1 }),
  manualSeed: async ({ manualSeed }: typeof downhill) => manualSeed(1),
  noGrad: async ({ noGrad }: typeof downhill) => noGrad(() => 3),
};

/** Uses one library and then the other, in all of these ways; last the first again. */
export default async function run({ first, address }: { first: 'downhill' | 'downhill/slim'; address: string }) {
  const [one, other] = first === 'downhill' ? [downhill, slim] : [slim, downhill];
  if (one === slim) await slim.loadKernels(address);
  else one.tensor([1]);
  const errors: Record<string, unknown> = {};
  for (const [name, deed] of Object.entries(DEEDS)) errors[name] = await deed(other as typeof downhill).catch(String);
  if (other === slim) errors.loadKernels = await slim.loadKernels(address).catch(String);
  return { errors, sum: await DEEDS.tensor(one as typeof downhill) };
}
