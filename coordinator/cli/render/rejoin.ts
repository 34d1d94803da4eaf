import { fields, heading, type Layout } from './layout.ts';
import { command, type PlanPage } from './plan.ts';
import { refusals } from './refusals.ts';
import { duration, instant } from './units.ts';
import { personWord } from './words.ts';

/** A plan that brings a node back: what will be done, what it costs, what to type next. */
export function rejoinPage(layout: Layout, { plan, ...page }: PlanPage): string[] {
  const node = plan.rejoins?.node ?? '';
  const joining = plan.nodes.find((each) => each.node === node);
  const sponsor = plan.nodes.find((each) => each.node !== node);
  const left = Number(plan.expiresMs) - page.nowMs;
  const members = (joining?.etcd?.initialCluster ?? '').split(',').filter(Boolean).length;
  const quorum = Math.floor(members / 2) + 1;
  return [
    heading(layout, `Plan ${plan.operationId}`),
    ...fields(layout, [
      ['Cluster', plan.cluster],
      ['Re-joins', node],
      ['Set aside by', plan.subjectOperationId],
      ['Asked by', personWord(plan.requestedBy)],
      ['Reason', plan.reason],
      ['Expires', `${instant(plan.expiresMs)}, ${left > 0 ? `in ${duration(left)}` : 'EXPIRED'}`],
    ]),
    ...(joining === undefined || sponsor === undefined
      ? []
      : [
          '',
          heading(layout, 'What will be done'),
          ...fields(layout, [
            [
              'Admit',
              `${node} becomes a learner, through the member on ${sponsor.node}; a learner has no vote.`,
            ],
            [
              'Start',
              `on ${node} an empty store takes the place of ${joining.etcd?.dataDir ?? ''}, whose OLD is kept; etcd joins ${joining.etcd?.initialCluster ?? ''}.`,
            ],
            ['Promote', `once it has caught up. Until here every failure sets ${node} aside again.`],
            ['Serve', 'its API server, then scheduler and controller-manager. OLD stays where it is kept.'],
          ]),
          '',
          heading(layout, 'What it changes'),
          ...fields(layout, [
            ['Downtime', 'none: the others serve all the while'],
            ['Quorum', `${quorum} of ${members} members from the promotion on`],
            ['Still out', plan.leftOut.map((each) => each.node).join(', ')],
          ]),
        ]),
    ...refusals(layout, 'Warnings', page.warnings, 'yellow'),
    ...refusals(layout, 'Refused: this plan cannot be run', page.refusals, 'red'),
    '',
    ...(page.refusals.length > 0
      ? ['Nothing was changed. Mend what is refused, then plan again.']
      : [
          heading(layout, 'Nothing was changed yet. To go on, type'),
          ...command(layout, `lockstep restore run --plan ${plan.operationId} --confirm ${plan.cluster}`),
        ]),
  ];
}
