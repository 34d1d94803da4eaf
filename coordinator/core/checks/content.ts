import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Check } from './check.ts';

/** The snapshot holds Kubernetes objects where these API servers will look for them. */
export const checkContent: Check = ({ facts, planned }) => {
  if (facts === undefined) return [];
  if (facts.objects.length === 0) {
    return [refusal('SNAPSHOT_EMPTY', 'the snapshot holds no Kubernetes objects')];
  }
  return planned.flatMap((node): Refusal[] => {
    const prefix = node.report.apiServer?.etcdPrefix ?? '';
    if (prefix === '' || facts.registryPrefix === '' || same(prefix, facts.registryPrefix)) return [];
    const words = `the API server looks under ${prefix}; the snapshot's objects lie under ${facts.registryPrefix}`;
    return [refusal('ETCD_PREFIX_MISMATCH', words, node.node)];
  });
};

/** "/registry", "registry" and "/registry/" are one prefix to kube-apiserver. */
function same(a: string, b: string): boolean {
  const bare = (text: string): string => text.replace(/^\/+|\/+$/g, '');
  return bare(a) === bare(b);
}
