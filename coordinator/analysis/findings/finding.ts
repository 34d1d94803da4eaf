/** From least to worst. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What is known of a rule before any store is looked at. */
export interface RuleCard {
  /** Stable: "LS-T1496-miner". Others refer to it. */
  readonly id: string;
  readonly title: string;
  /** ATT&CK: "T1098", "T1552.007". */
  readonly techniques: readonly string[];
  readonly severity: Severity;
  /** Why it matters. */
  readonly why: string;
  /** When it is nothing. */
  readonly innocent: string;
}

/** One thing about one object that a rule speaks of. Never the value of a secret. */
export interface Trait {
  /** "containers[xmrig].image"; empty where the object itself is meant. */
  readonly field: string;
  readonly value: string;
  /** What is compared with the baseline in place of field and value, and never shown: a digest. */
  readonly same?: string;
}

/**
 * Where a trait is: in the object as it stands; in an earlier version of it; in an object that was
 * deleted; or only in a page that the store has given up.
 */
export type Standing = 'live' | 'overwritten' | 'deleted' | 'carved';

/** Who wrote a version, as far as the object itself says; any client can write other words there. */
export interface Author {
  /** User agent, down to its first slash: "kubectl-create"; empty where nothing says it. */
  readonly tool: string;
  /** RFC 3339; empty where nothing says it. */
  readonly at: string;
}

export interface FoundTrait extends Trait {
  readonly standing: Standing;
  /** The first revision at which the store still shows it. */
  readonly sinceRevision: number;
  readonly author: Author;
}

export interface FoundObject {
  /** As etcd has it; UTF-8. */
  readonly key: string;
  /** "daemonsets.apps"; empty for what is no object. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  /** The most lasting of its traits. */
  readonly standing: Standing;
  readonly traits: readonly FoundTrait[];
  /** The last revision that shows a trait: what to look at. */
  readonly revision: number;
}

export interface Finding extends RuleCard {
  /** What a person calls it: "daemonsets.apps kube-system/gpu-metrics". */
  readonly subject: string;
  /** The one that the subject names first, then what belongs to it. */
  readonly objects: readonly FoundObject[];
  /** The first revision at which the store shows any of it; 0 where it is of the store as a whole. */
  readonly sinceRevision: number;
  /** Of the trait that was first. */
  readonly author: Author;
  /** The command that shows it again, FILE being the store. */
  readonly check: string;
}

export function severityRank(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}
