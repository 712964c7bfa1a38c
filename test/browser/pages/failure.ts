import { zeros } from 'downhill';

/** A mistake in a page. */
export default function run() {
  return zeros([2, 3])
    .matmul(zeros([2, 3]))
    .toArray();
}
