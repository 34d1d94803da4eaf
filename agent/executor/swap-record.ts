import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import type { Inode } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { z } from 'zod';
import { identifyStore, type StoreInPlace } from '../core/convergence.ts';
import type { SwapRecord } from '../core/operation.ts';
import type { OperationPaths } from '../core/paths.ts';
import type { EffectRecord } from '../ledger/records.ts';
import type { Stores } from '../ports.ts';
import type { StepContext } from './step.ts';

const inode = z.object({ device: z.coerce.bigint(), number: z.coerce.bigint() });
const schema = z.object({ old: inode, new: inode });

/** The steps that exchange stores; an operation has one or the other. */
const EXCHANGING: ReadonlySet<Step> = new Set([Step.STEP_SWAP, Step.STEP_REJOIN_START]);

/**
 * Both inodes as they were before the first exchange: the first intent of SWAP holds them for
 * good, because only then is it certain which is which. Undefined where none was intended.
 */
export function swapRecord(effects: readonly EffectRecord[]): SwapRecord | undefined {
  const first = effects.find((effect) => EXCHANGING.has(effect.step));
  if (first === undefined) return undefined;
  const parsed = schema.safeParse(first.intent);
  if (!parsed.success) {
    throw new LockstepError('LEDGER_UNREADABLE', {
      message: 'The ledger’s record of the exchange cannot be read.',
      cause: parsed.error,
    });
  }
  return parsed.data;
}

const BUILDING: ReadonlySet<Step> = new Set([Step.STEP_BUILD, Step.STEP_REJOIN_EMPTY]);

/**
 * The exchange as the disk shows it where the ledger records none: a ledger that was set back has
 * forgotten it, and OLD lies where NEW was built. Undefined where OLD is not there. Throws
 * STORE_NOT_AS_RECORDED where it is, and what is in place is not the NEW that BUILD proved.
 *
 * A store on a mount point of its own keeps the directory that the plan knows, so nothing shows.
 */
export function forgottenExchange(
  { node, paths, memberPlan, effects }: Pick<StepContext, 'node' | 'paths' | 'memberPlan' | 'effects'>,
  found: FoundStores,
): SwapRecord | undefined {
  const { inPlace, other } = found;
  const { oldStore } = memberPlan;
  const old = oldStore?.isMountPoint === true ? undefined : oldStore?.dataDirInode;
  if (inPlace === undefined || other === undefined || old === undefined) return undefined;
  // Both lie on one filesystem, whose device number a reboot may change.
  if (other.number !== old.number || inPlace.number === old.number) return undefined;
  if (inPlace.number !== builtInode(effects)?.number) throw notAsRecorded(node, paths, found, undefined);
  return { old: other, new: inPlace };
}

/**
 * NEW as BUILD proved it. Undefined where the last BUILD did not complete: what it left may be
 * half a store, whatever an earlier one had proven.
 */
export function builtInode(effects: readonly EffectRecord[]): Inode | undefined {
  const last = effects.findLast((effect) => BUILDING.has(effect.step));
  const parsed = z.object({ inode }).safeParse(last?.completion);
  return parsed.success ? parsed.data.inode : undefined;
}

export interface FoundStores {
  readonly store: StoreInPlace;
  readonly inPlace: Inode | undefined;
  readonly other: Inode | undefined;
}

/** Which store bears the data directory's name now. */
export async function findStores(
  stores: Stores,
  paths: OperationPaths,
  recorded: SwapRecord | undefined,
  signal: AbortSignal,
): Promise<FoundStores> {
  const [inPlace, other] = await Promise.all([
    stores.inodeOf(paths.inPlace, signal),
    stores.inodeOf(paths.other, signal),
  ]);
  return { store: identifyStore({ inPlace, other }, recorded), inPlace, other };
}

export function notAsRecorded(
  node: string,
  paths: OperationPaths,
  found: FoundStores,
  recorded: SwapRecord | undefined,
): LockstepError {
  return new LockstepError('STORE_NOT_AS_RECORDED', {
    node,
    message:
      `${paths.inPlace} is inode ${inodeText(found.inPlace)} and ${paths.other} is ${inodeText(found.other)}; ` +
      `recorded were OLD ${inodeText(recorded?.old)} and NEW ${inodeText(recorded?.new)}.`,
  });
}

export function inodeText(of: Inode | undefined): string {
  return of === undefined ? 'nothing' : `${of.device}:${of.number}`;
}
