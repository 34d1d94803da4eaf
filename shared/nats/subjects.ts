/** Node and cluster names may hold dots, which separate the tokens of a subject. */
export function subjectToken(name: string): string {
  return name.replaceAll('.', '_');
}

/** Where the agent of a node says that it is there. `*` for all nodes. */
export function presenceSubject(cluster: string, node: string): string {
  return `lockstep.${cluster}.presence.${node === '*' ? '*' : subjectToken(node)}`;
}

/** Where the events of an operation are published. `*` for all operations. */
export function eventsSubject(cluster: string, operationId: string): string {
  return `lockstep.${cluster}.events.${operationId}`;
}

/** Where progress passes by that no stream keeps. */
export function progressSubject(cluster: string, operationId: string): string {
  return `lockstep.${cluster}.progress.${operationId}`;
}

/** Stream names hold no dots. */
export function auditStream(cluster: string): string {
  return `LOCKSTEP_AUDIT_${subjectToken(cluster)}`;
}

/** The key-value bucket of who leads, and its one key. */
export function leaderBucket(cluster: string): string {
  return `LOCKSTEP_LEADER_${subjectToken(cluster)}`;
}

export const LEADER_KEY = 'leader';

/** The stream behind a key-value bucket. */
export function bucketStream(bucket: string): string {
  return `KV_${bucket}`;
}

/** Where the value of a bucket's key is written. */
export function bucketSubject(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}
