import type { FieldChange } from './fields.ts';

/**
 * What changes by itself while nobody does anything: heartbeats, leases, and the bookkeeping of
 * the API server. An entry of managedFields that comes or goes is no noise: somebody new wrote.
 */
const NOISE: readonly RegExp[] = [
  /^metadata\.(resourceVersion|generation)$/u,
  /^metadata\.managedFields\[.*\]\.(time|fieldsV1|apiVersion)/u,
  /^metadata\.annotations\["control-plane\.alpha\.kubernetes\.io\/leader"\]$/u,
  /^status\.observedGeneration$/u,
  /^status\.conditions\[.*\]\.(lastHeartbeatTime|lastProbeTime|lastUpdateTime|observedGeneration)$/u,
];
const NOISE_BY_RESOURCE: Readonly<Record<string, readonly RegExp[]>> = {
  'leases.coordination.k8s.io': [/^spec\.(renewTime|acquireTime|leaseTransitions)$/u],
};
/** Written again every few seconds by each API server. */
const HEARTBEATS = new Set(['masterleases']);

export function isNoise(resource: string, { path }: FieldChange): boolean {
  return (
    HEARTBEATS.has(resource) ||
    NOISE.some((pattern) => pattern.test(path)) ||
    (NOISE_BY_RESOURCE[resource] ?? []).some((pattern) => pattern.test(path))
  );
}

/** Of these each write is a heartbeat, unless shown otherwise. */
export function isHeartbeat(resource: string): boolean {
  return HEARTBEATS.has(resource) || resource in NOISE_BY_RESOURCE;
}
