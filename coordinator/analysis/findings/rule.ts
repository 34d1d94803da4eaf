import type { EvidenceFacts } from '@lockstep/shared/evidence/evidence.ts';
import type { JsonObject } from '@lockstep/shared/kubernetes/stored-object.ts';
import type { ObjectPlace } from '../resource-name.ts';
import type { RuleCard, Trait } from './finding.ts';

/**
 * What a rule makes of the traits that it sees:
 * - `state`: they are a finding as they stand, unless the baseline has them too;
 * - `new`: a finding where the baseline does not have them; without a baseline nothing is said;
 * - `changed`: the same, of objects that the baseline has;
 * - `removed`: their object is a finding where it is gone.
 */
export const REPORTS = ['state', 'new', 'changed', 'removed'] as const;
export type Reports = (typeof REPORTS)[number];

/** Looks at one version of one object at a time. */
export interface ObjectRule extends RuleCard {
  readonly kind: 'object';
  readonly reports: Reports;
  /** "pods", "daemonsets.apps", "*.example.com"; a built-in resource also without its group. */
  readonly resources: readonly string[];
  /** By its place alone. */
  selects(place: ObjectPlace): boolean;
  traits(object: JsonObject, place: ObjectPlace): readonly Trait[];
}

/** Looks at the rows, or at the store as a whole, without decoding a value. */
export interface StoreRule extends RuleCard {
  readonly kind: 'store';
  /** `state`: the baseline's own are left out. */
  readonly reports: 'state';
  /** For one walk; keeps what it has seen. */
  observe(): Observer;
}

export type Rule = ObjectRule | StoreRule;

/** A row as store rules see it: valid for the visit. */
export interface SeenRow extends ObjectPlace {
  /** latin1 */
  readonly key: string;
  readonly main: number;
  readonly sub: number;
  readonly deleted: boolean;
  readonly lease: string;
  readonly encrypted: boolean;
}

export interface Observer {
  row?(row: SeenRow): void;
  /** Once, after the last row. */
  conclude(store: StoreAtEnd): readonly StoreTrait[];
}

export interface StoreAtEnd {
  readonly form: 'etcd' | 'kine';
  readonly facts: EvidenceFacts;
  readonly namespaces: ReadonlySet<string>;
  /** The revision of the row that a restore with a bumped revision leaves behind; undefined where there is none. */
  readonly bumpRevision: number | undefined;
}

export interface StoreTrait extends ObjectPlace {
  /** latin1; empty for the store as a whole. */
  readonly key: string;
  readonly trait: Trait;
  /** 0 for the store as a whole. */
  readonly revision: number;
  readonly deleted: boolean;
  /** Traits with one group make one finding. */
  readonly group: string;
}
