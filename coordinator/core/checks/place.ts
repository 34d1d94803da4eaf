import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Check } from './check.ts';

/** The snapshot is of this cluster; or of another one, and somebody said that it goes into this one. */
export const checkPlace: Check = ({ snapshot, cluster, into, cures, facts }) => {
  const of = snapshot.card?.cluster ?? '';
  // What is broken has said so, and whose it is does not matter then.
  if (facts?.trailerValid !== true) return [];
  if (into !== '' && into !== cluster) {
    return [refusal('CLUSTER_MISMATCH', `it is to go into ${into}; this is ${cluster}`)];
  }
  if (into === '') {
    if (of === '' || of === cluster) return [];
    return [refusal('CLUSTER_MISMATCH', `the snapshot is of cluster ${of}; this is ${cluster}`)];
  }
  if (of === cluster) {
    return [refusal('PLACE_IS_ITS_OWN', `the snapshot is of ${cluster} itself; it goes into no other place`)];
  }
  if (cures === undefined) {
    return [refusal('PLACE_UNKNOWN', `no member of ${cluster} could say what describes its hosts`)];
  }
  return [];
};
