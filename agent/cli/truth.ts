import { RestorePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { runsKubelet } from '@lockstep/shared/plan/part.ts';
import { operationPaths, plannedComponents } from '../core/paths.ts';
import { findStores, swapRecord } from '../executor/swap-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OperationRecord } from '../ledger/records.ts';
import type { Component, Hosting, Stores } from '../ports.ts';

/** What is true on this node now, observed and not remembered. */
export interface Truth {
  /** Undefined where no kubelet runs a part of the control plane. */
  readonly kubelet: { readonly held: boolean; readonly active: boolean } | undefined;
  /** Unit of etcd; empty where it is none. */
  readonly etcdUnit: string;
  readonly manifestsInPlace: readonly Component[];
  readonly manifestsOut: readonly Component[];
  /** `none` where the node has no member. */
  readonly store: 'old' | 'new' | 'unknown' | 'none';
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
  const paths = plan.etcd === undefined ? undefined : operationPaths(plan, operation.operationId, stateDir);
  const [kubelet, manifestsInPlace, found] = await Promise.all([
    hosting.kubeletState(operation.operationId, signal),
    hosting.manifestsInPlace(plan, signal),
    paths === undefined ? undefined : findStores(stores, paths, swapRecord(operation.effects), signal),
  ]);
  return {
    kubelet: runsKubelet(plan) ? kubelet : undefined,
    etcdUnit: plan.etcdUnit,
    manifestsInPlace,
    manifestsOut: plannedComponents(plan).filter((component) => !manifestsInPlace.includes(component)),
    store: found?.store ?? 'none',
    dataDir: plan.etcd?.dataDir ?? '',
    otherStore: paths?.other ?? '',
  };
}

/** The truth in sentences, for a person on the node. */
export function truthLines(truth: Truth): string[] {
  const { kubelet, etcdUnit } = truth;
  const isUnit = (component: Component): boolean => component === 'etcd' && etcdUnit !== '';
  const manifestsInPlace = truth.manifestsInPlace.filter((component) => !isUnit(component));
  const manifestsOut = truth.manifestsOut.filter((component) => !isUnit(component));
  const store = {
    old: `OLD is in place at ${truth.dataDir}.`,
    new: `NEW is in place at ${truth.dataDir}; OLD is kept at ${truth.otherStore}.`,
    none: 'This node has no member of etcd, and no store.',
    unknown: `What lies at ${truth.dataDir} is neither OLD nor NEW as recorded. Touch nothing; see UNDO.txt.`,
  }[truth.store];
  return [
    store,
    ...(etcdUnit === ''
      ? []
      : [
          `${etcdUnit} is ${truth.manifestsInPlace.some(isUnit) ? 'started' : 'stopped, or kept from starting'}.`,
        ]),
    ...(kubelet === undefined
      ? []
      : [
          `kubelet is ${kubelet.active ? 'running' : 'stopped'}${kubelet.held ? ' and kept from starting' : ''}.`,
          manifestsInPlace.length === 0
            ? 'No control-plane manifest is in place.'
            : `Manifests in place: ${manifestsInPlace.join(', ')}.`,
        ]),
    ...(manifestsOut.length === 0 ? [] : [`Manifests taken out: ${manifestsOut.join(', ')}.`]),
  ];
}
