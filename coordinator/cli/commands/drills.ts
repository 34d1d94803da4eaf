import { asLockstepError, fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { drilledSnapshots, drillList, drillProof, proofView } from '../render/drills.ts';
import { saveDisplay } from '../save-display.ts';
import { openCopy } from './snapshot-copies.ts';

export interface DrillOptions {
  readonly node?: string;
  /** The copy that lies there, instead of one that a node holds. */
  readonly store?: string;
  /** Of age-keygen: opens an encrypted copy in a store, and is read here alone. */
  readonly identity?: string;
}

export async function runDrill(
  invocation: Invocation,
  id: string | undefined,
  options: DrillOptions,
): Promise<Answer> {
  const ofStored = options.store !== undefined || options.identity !== undefined;
  if (ofStored && id === undefined) {
    throw new LockstepError('USAGE', {
      message: 'Name the snapshot: --store and --identity are about the copy of one.',
    });
  }
  return await withCoordinator(invocation, async (coordinator) => {
    const { store, fileKey } = ofStored
      ? await openedCopy(coordinator, id ?? '', options)
      : { store: '', fileKey: new Uint8Array() };
    using display = saveDisplay(invocation);
    const events = coordinator.stream(
      OperatorServiceService.runDrill,
      { snapshotId: id ?? '', node: options.node ?? '', store, fileKey: Buffer.from(fileKey) },
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

/**
 * Which copy, and its key. One that is so spoilt that it opens to nobody goes to the coordinator
 * without a key: there it is found once more, marked, and told to whoever listens.
 */
async function openedCopy(
  coordinator: Coordinator,
  id: string,
  options: DrillOptions,
): Promise<{ store: string; fileKey: Uint8Array }> {
  try {
    return await openCopy(coordinator, id, options);
  } catch (thrown) {
    const { code, node } = asLockstepError(thrown);
    const store = options.store ?? node;
    if ((code !== 'COPY_DAMAGED' && code !== 'COPY_SEAL_INVALID') || store === '') throw thrown;
    return { store, fileKey: new Uint8Array() };
  }
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
