import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Answer } from '../answer.ts';
import { WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { drilledSnapshots, drillList, drillProof, proofView } from '../render/drills.ts';
import { saveDisplay } from '../save-display.ts';
import { fetchSnapshot } from './snapshot-copies.ts';

export interface DrillOptions {
  readonly node?: string;
  /** Of age-keygen: then the copy is fetched from its store first. */
  readonly identity?: string;
}

export async function runDrill(
  invocation: Invocation,
  id: string | undefined,
  options: DrillOptions,
): Promise<Answer> {
  const node = await fetchedTo(invocation, id, options);
  return await withCoordinator(invocation, async (coordinator) => {
    using display = saveDisplay(invocation);
    const events = coordinator.stream(
      OperatorServiceService.runDrill,
      { snapshotId: id ?? '', node },
      WAIT_MS.drill,
    );
    for await (const { event, snapshotId } of events) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'progress') display.show(event.value);
      if (event?.$case === 'proof') {
        display[Symbol.dispose]();
        return proofAnswer(snapshotId || (id ?? ''), event.value);
      }
    }
    throw new LockstepError('INTERNAL', { message: 'The coordinator ended the call without a proof.' });
  });
}

/** Where to drill: on the node that an encrypted copy was just brought to, with a key that stayed here. */
async function fetchedTo(
  invocation: Invocation,
  id: string | undefined,
  { node = '', identity }: DrillOptions,
): Promise<string> {
  if (identity === undefined) return node;
  if (id === undefined) {
    throw new LockstepError('USAGE', { message: 'Name the snapshot that --identity opens.' });
  }
  const { data } = await fetchSnapshot(invocation, id, { identity, ...(node === '' ? {} : { node }) });
  return String(data['node']);
}

function proofAnswer(id: string, proof: Proof): Answer {
  const code = proof.failure?.code;
  return {
    data: { snapshotId: id, proof: proofView(proof) },
    names: [id],
    render: (layout) => drillProof(layout, id, proof),
    ...(code === undefined ? {} : { exit: EXIT.findings, code }),
  };
}

/** Each snapshot, when it was last proven and how, and how long a restore of it took then. */
export async function listDrills(invocation: Invocation): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { entries, failures } = await coordinator.call(
      OperatorServiceService.getCatalogue,
      {},
      WAIT_MS.nodes,
    );
    const drilled = drilledSnapshots(entries);
    const bad = drilled.find(({ last }) => last?.failure !== undefined)?.last?.failure;
    return {
      data: {
        snapshots: drilled.map(({ id, takenAt, proofs }) => ({
          id,
          takenAt,
          proofs: proofs.map(proofView),
        })),
        failures,
      },
      names: drilled.map(({ id }) => id),
      render: (layout) => drillList(layout, drilled, failures, invocation.terminal.nowMs()),
      ...(bad === undefined ? {} : { exit: EXIT.findings, code: bad.code }),
    };
  });
}
