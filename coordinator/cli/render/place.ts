import type { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { heading, type Layout, wrap } from './layout.ts';
import { someOf } from './refusals.ts';

const SHOWN = 8;

/** What a snapshot of another cluster says of its own hosts, and what becomes of it here. */
export function placeLines(layout: Layout, plan: RestorePlan): string[] {
  if (plan.fromCluster === '') return [];
  const keys = (gone: boolean): string[] =>
    plan.cures.filter(({ value }) => (value.length === 0) === gone).map(({ key }) => key.toString());
  const [taken, gone] = [keys(false), keys(true)];
  return [
    '',
    heading(layout, `From ${plan.fromCluster} into ${plan.cluster}`),
    ...wrap(
      layout,
      `Members, names and addresses are those of ${plan.cluster}. Before any API server returns, what the snapshot says of its own hosts is put right:`,
      2,
    ),
    ...someOf(layout, `As ${plan.cluster} has it now`, taken, SHOWN),
    ...someOf(layout, 'Goes', gone, SHOWN),
    ...wrap(
      layout,
      'Pods bound to nodes that go are deleted by the controllers; volumes and load balancers of the other place are not moved.',
      2,
    ),
  ];
}
