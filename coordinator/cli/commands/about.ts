import { catalogue, type ErrorCode, isErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import type { Answer } from '../answer.ts';
import { EXIT, exitOfError } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { fields, heading, type Layout, wrap } from '../render/layout.ts';
import { table } from '../render/table.ts';

export async function version(invocation: Invocation, clientOnly: boolean): Promise<Answer> {
  const own = { client: VERSION };
  if (clientOnly)
    return { data: own, render: (layout) => fields(layout, [['Client', VERSION]]), names: [VERSION] };
  return await withCoordinator(invocation, async (coordinator) => {
    const {
      version: server,
      coordinatorId,
      cluster,
      nats,
      leads,
      leader,
    } = await coordinator.call(OperatorServiceService.getVersion, {});
    return {
      data: { ...own, server, coordinatorId, cluster, nats, leads, leader },
      names: [VERSION],
      render: (layout) =>
        fields(layout, [
          ['Client', VERSION],
          ['Coordinator', `${server}, ${coordinatorId} at ${coordinator.address}`],
          ['Cluster', cluster],
          ['NATS', nats],
          ['Leader', leader === '' ? 'nobody is known to lead' : leader],
        ]),
    };
  });
}

const CLASS_WORDS = {
  never: 'Nothing overrides it.',
  'with-reason': "It can be overridden with a reason: --override 'CODE=REASON'.",
  'second-person': 'It can be overridden by a second person.',
  fault: 'It is an error, not a refusal: there is nothing to override.',
} as const;

export function explain(wanted: string | undefined): Answer {
  if (wanted === undefined) {
    const rows = Object.entries(catalogue).map(([code, entry]) => ({ code, ...entry }));
    return {
      data: { codes: rows },
      names: rows.map(({ code }) => code),
      render: (layout) =>
        table(
          layout,
          [
            { title: 'CODE', value: ({ code }) => code },
            { title: 'MEANING', value: ({ meaning }) => meaning },
          ],
          rows,
        ),
    };
  }
  const code = wanted.toUpperCase().replaceAll('-', '_');
  if (!isErrorCode(code)) {
    const near = nearest(code);
    throw new LockstepError('USAGE', {
      message: `There is no code ${wanted}${near === undefined ? '' : `; did you mean ${near}?`}`,
    });
  }
  const entry = catalogue[code];
  const exit = exitOfError(code);
  return {
    data: { explained: code, class: entry.class, meaning: entry.meaning, cure: entry.cure, exitCode: exit },
    names: [code],
    exit: EXIT.done,
    render: (layout: Layout) => [
      heading(layout, code),
      ...wrap(layout, entry.meaning, 2),
      '',
      ...fields(layout, [
        ['What to do', entry.cure],
        ['Class', CLASS_WORDS[entry.class]],
        ['Exit code', String(exit)],
      ]),
    ],
  };
}

/** The code that shares the most words with what was asked for. */
function nearest(wanted: string): ErrorCode | undefined {
  const words = wanted.split('_').filter((word) => word.length > 2);
  const shared = (code: string): number => words.filter((word) => code.includes(word)).length;
  const best = (Object.keys(catalogue) as ErrorCode[]).reduce((a, b) => (shared(b) > shared(a) ? b : a));
  return shared(best) > 0 ? best : undefined;
}
