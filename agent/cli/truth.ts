import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { operationPaths, plannedComponents } from '../core/paths.ts';
import { findStores, swapRecord } from '../executor/swap-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OperationRecord } from '../ledger/records.ts';
import type { Component, Hosting, Stores } from '../ports.ts';

/** What is true on this node now, observed and not remembered. */
export interface Truth {
  readonly kubelet: { readonly held: boolean; readonly active: boolean };
  readonly manifestsInPlace: readonly Component[];
  readonly manifestsOut: readonly Component[];
  readonly store: 'old' | 'new' | 'unknown';
  readonly dataDir: string;
  readonly otherStore: string;
}

export async function observeTruth(
  {
    ledger,
    hosting,
    stores,
    stateDir,
  }: {
    readonly ledger: Ledger;
    readonly hosting: Hosting;
    readonly stores: Stores;
    readonly stateDir: string;
  },
  operation: OperationRecord,
  signal: AbortSignal,
): Promise<Truth | undefined> {
  const plan = RestorePlan.decode(operation.plan).nodes.find(({ node }) => node === ledger.identity.node);
  if (plan === undefined) return undefined;
  const paths = operationPaths(plan, operation.operationId, stateDir);
  const [kubelet, manifestsInPlace, found] = await Promise.all([
    hosting.kubeletState(operation.operationId, signal),
    hosting.manifestsInPlace(plan, signal),
    findStores(stores, paths, swapRecord(operation.effects), signal),
  ]);
  return {
    kubelet,
    manifestsInPlace,
    manifestsOut: plannedComponents(plan).filter((component) => !manifestsInPlace.includes(component)),
    store: found.store,
    dataDir: plan.etcd?.dataDir ?? '',
    otherStore: paths.other,
  };
}

/** The truth in sentences, for a person on the node. */
export function truthLines(truth: Truth): string[] {
  const { kubelet, manifestsInPlace, manifestsOut } = truth;
  const store = {
    old: `OLD is in place at ${truth.dataDir}.`,
    new: `NEW is in place at ${truth.dataDir}; OLD is kept at ${truth.otherStore}.`,
    unknown: `What lies at ${truth.dataDir} is neither OLD nor NEW as recorded. Touch nothing; see UNDO.txt.`,
  }[truth.store];
  return [
    store,
    `kubelet is ${kubelet.active ? 'running' : 'stopped'}${kubelet.held ? ' and kept from starting' : ''}.`,
    manifestsInPlace.length === 0
      ? 'No control-plane manifest is in place.'
      : `Manifests in place: ${manifestsInPlace.join(', ')}.`,
    ...(manifestsOut.length === 0 ? [] : [`Manifests taken out: ${manifestsOut.join(', ')}.`]),
  ];
}
