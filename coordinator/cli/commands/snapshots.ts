import { stat } from 'node:fs/promises';
import { fromFailure, LockstepError, refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import {
  type CopyOutcome,
  OperatorServiceService,
  type SnapshotVerdict,
} from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import type { StoredSnapshot } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';
import { deadline } from '@lockstep/shared/waiting.ts';
import type { Answer } from '../answer.ts';
import { type Coordinator, WAIT_MS } from '../coordinator.ts';
import { EXIT } from '../exit-codes.ts';
import { type Invocation, withCoordinator } from '../invocation.ts';
import { marksOf } from '../render/catalogue.ts';
import { copyOutcomes } from '../render/copies.ts';
import { heading } from '../render/layout.ts';
import { snapshotCard, snapshotFacts, verdicts } from '../render/snapshots.ts';
import { saveDisplay } from '../save-display.ts';
import { refusalView, trustView } from '../views.ts';
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

export interface FileOptions {
  /** False for a store copied out of a data directory. */
  readonly trailer: boolean;
}

export async function showSnapshot(
  invocation: Invocation,
  what: string,
  options: FileOptions,
): Promise<Answer> {
  if (await isFile(what)) {
    const facts = await readFacts(invocation, what, options);
    return {
      data: { file: what, facts },
      names: [what],
      render: (layout) => [heading(layout, `Snapshot ${what}`), '', ...snapshotFacts(layout, facts)],
    };
  }
  return await withCoordinator(invocation, async (coordinator) => {
    const { entry, held } = await requireEntry(coordinator, what);
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
      names: [what],
      render: (layout) => [...snapshotCard(layout, held), '', ...marksOf(layout, entry)],
    };
  });
}

export interface VerifyOptions extends FileOptions {
  /** Its copy is looked into. */
  readonly store?: string;
  /** Opens an encrypted one: read here alone. */
  readonly identity?: string;
}

export async function verifySnapshot(
  invocation: Invocation,
  what: string,
  options: VerifyOptions,
): Promise<Answer> {
  if (await isFile(what)) return verdictAnswer(what, [await fileVerdict(invocation, what, options)]);
  return await withCoordinator(invocation, async (coordinator) => {
    const looksInto = options.store !== undefined || options.identity !== undefined;
    const { store, fileKey } = looksInto ? await openCopy(coordinator, what, options) : NOT_OPENED;
    const { verdicts: list } = await coordinator.call(
      OperatorServiceService.verifySnapshot,
      { snapshotId: what, store, fileKey: Buffer.from(fileKey) },
      WAIT_MS.snapshot,
    );
    return verdictAnswer(what, list);
  });
}

const NOT_OPENED = { store: '', fileKey: new Uint8Array() };

async function fileVerdict(
  invocation: Invocation,
  path: string,
  options: FileOptions,
): Promise<SnapshotVerdict> {
  try {
    return { node: path, facts: await readFacts(invocation, path, options), refusals: [], note: '' };
  } catch (error) {
    if (!(error instanceof LockstepError) || !error.code.startsWith('SNAPSHOT_')) throw error;
    return { node: path, facts: undefined, refusals: [refusal(error.code, error.message)], note: '' };
  }
}

function verdictAnswer(what: string, list: readonly SnapshotVerdict[]): Answer {
  const code = list.flatMap(({ refusals }) => refusals)[0]?.code;
  return {
    data: { verdicts: list.map((verdict) => ({ ...verdict, refusals: verdict.refusals.map(refusalView) })) },
    names: [what],
    render: (layout) => verdicts(layout, list),
    ...(code === undefined ? {} : { exit: EXIT.findings, code }),
  };
}

function readFacts(invocation: Invocation, path: string, { trailer }: FileOptions) {
  return readSnapshotFacts(
    path,
    { trailer: trailer ? 'required' : 'absent' },
    deadline(WAIT_MS.snapshot, invocation.signal),
  );
}

async function requireEntry(coordinator: Coordinator, id: string) {
  const entry = await findEntry(coordinator, id);
  if (entry?.card === undefined) {
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `No place that answered holds ${id}.` });
  }
  return { entry, held: { card: entry.card, holders: copiesOnNodes(entry) } };
}

/** A name that is also a path means the file: ids are never paths. */
async function isFile(what: string): Promise<boolean> {
  try {
    return (await stat(what)).isFile();
  } catch (cause) {
    if (!what.includes('/') && !what.endsWith('.db')) return false;
    throw new LockstepError('SNAPSHOT_NOT_FOUND', { message: `There is no readable file ${what}.`, cause });
  }
}

/** Sample values are there for the agents to open, not for a screen; so are a seal's certificates. */
function snapshotView(snapshot: StoredSnapshot): object {
  const { card, sealed: _sealed, trust, ...rest } = snapshot;
  const encryption = (card?.facts?.encryption ?? []).map((use) => ({ ...use, sampleValue: Buffer.alloc(0) }));
  const shown = card?.facts === undefined ? card : { ...card, facts: { ...card.facts, encryption } };
  return { card: shown, ...rest, trust: trustView(trust) };
}
