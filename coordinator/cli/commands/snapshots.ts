import { fromFailure, LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type CopyOutcome, OperatorServiceService } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { marksOf } from '../render/catalogue.ts';
import { copyOutcomes } from '../render/copies.ts';
import { snapshotCard } from '../render/snapshots.ts';
import { saveDisplay } from '../save-display.ts';
import { verdictAnswer } from '../verdict-answer.ts';
import { trustView } from '../views/refusals.ts';
import { copiesOnNodes, findEntry } from './keeping.ts';
import { openCopy } from './snapshot-copies.ts';

export async function saveSnapshot(
  invocation: Invocation,
  options: { readonly node?: string; readonly reason?: string; readonly offline?: boolean },
): Promise<Answer> {
  const { node = '', reason = '', offline = false } = options;
  if (offline && node === '') {
    throw new LockstepError('USAGE', { message: '--offline copies one member: name it with --node.' });
  }
  return await withCoordinator(invocation, async (coordinator) => {
    using display = saveDisplay(invocation);
    const copies: CopyOutcome[] = [];
    const events = coordinator.stream(
      OperatorServiceService.saveSnapshot,
      { node, reason, offline },
      WAIT_MS.snapshot,
    );
    for await (const { event } of events) {
      if (event?.$case === 'failure') throw fromFailure(event.value);
      if (event?.$case === 'progress') display.show(event.value);
      if (event?.$case === 'copy') copies.push(event.value);
      if (event?.$case === 'snapshot') {
        display[Symbol.dispose]();
        return savedAnswer(event.value, copies);
      }
    }
    throw new LockstepError('INTERNAL', { message: 'The coordinator ended the call without a snapshot.' });
  });
}

function savedAnswer(snapshot: StoredSnapshot, copies: readonly CopyOutcome[]): Answer {
  const id = snapshot.card?.id ?? '';
  return {
    data: { snapshot: snapshotView(snapshot), copies },
    names: [id],
    render: (layout) => [
      ...(snapshot.card === undefined
        ? [id]
        : snapshotCard(layout, { card: snapshot.card, holders: [snapshot] })),
      ...copyOutcomes(layout, copies),
    ],
  };
}

export async function showKept(invocation: Invocation, id: string): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const { entry, held } = await requireEntry(coordinator, id);
    const { copies, marks, standing, standingReason } = entry;
    return {
      data: {
        snapshot: held.card,
        holders: held.holders.map(({ node, path, file, trust }) => ({
          node,
          path,
          file,
          trust: trustView(trust),
        })),
        copies,
        marks,
        standing,
        standingReason,
      },
      names: [id],
      render: (layout) => [...snapshotCard(layout, held), '', ...marksOf(layout, entry)],
    };
  });
}

export interface CopyChoice {
  /** Its copy is looked into. */
  readonly store?: string;
  /** Opens an encrypted one: read here alone. */
  readonly identity?: string;
}

export async function verifyKept(invocation: Invocation, id: string, options: CopyChoice): Promise<Answer> {
  return await withCoordinator(invocation, async (coordinator) => {
    const looksInto = options.store !== undefined || options.identity !== undefined;
    const { store, fileKey } = looksInto ? await openCopy(coordinator, id, options) : NOT_OPENED;
    const { verdicts: list } = await coordinator.call(
      OperatorServiceService.verifySnapshot,
      { snapshotId: id, store, fileKey: Buffer.from(fileKey) },
      WAIT_MS.snapshot,
    );
    return verdictAnswer(id, list);
  });
}

const NOT_OPENED = { store: '', fileKey: new Uint8Array() };

async function requireEntry(coordinator: Coordinator, id: string) {
  const entry = await findEntry(coordinator, id);
  if (entry?.card === undefined) {
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `No place that answered holds ${id}.` });
  }
  return { entry, held: { card: entry.card, holders: copiesOnNodes(entry) } };
}

/** Sample values are there for the agents to open, not for a screen; so are a seal's certificates. */
function snapshotView(snapshot: StoredSnapshot): object {
  const { card, sealed: _sealed, trust, ...rest } = snapshot;
  const encryption = (card?.facts?.encryption ?? []).map((use) => ({ ...use, sampleValue: Buffer.alloc(0) }));
  const shown = card?.facts === undefined ? card : { ...card, facts: { ...card.facts, encryption } };
  return { card: shown, ...rest, trust: trustView(trust) };
}
