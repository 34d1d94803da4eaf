import { setTimeout as delay } from 'node:timers/promises';
import { encodeObject } from './codec.ts';
import type { EtcdStore } from './store.ts';

/** kube-apiserver's own figures. */
const LEASE_TTL_SECONDS = 15;
const RENEW_MS = 10_000;

/**
 * Keeps `<prefix>/masterleases/<ip>` alive: that is how the Service `kubernetes` knows the API
 * servers. Written anew with a new lease each time, as upstream's reconciler does; a server that is
 * killed is in the list for up to 15 s more. Resolves once the signal came and the key is gone.
 */
export async function keepMasterLease(
  store: EtcdStore,
  options: {
    readonly etcdPrefix: string;
    readonly address: string;
    readonly onError: (error: unknown) => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const key = `${options.etcdPrefix}/masterleases/${options.address}`;
  const value = encodeObject({
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {},
    subsets: [{ addresses: [{ ip: options.address }] }],
  });
  let leaseId = '0';
  while (!signal.aborted) {
    try {
      leaseId = await store.grantLease(LEASE_TTL_SECONDS);
      await store.put(key, value, leaseId);
    } catch (error) {
      options.onError(error);
    }
    await delay(RENEW_MS, undefined, { signal }).catch(() => undefined);
  }
  if (leaseId !== '0') await store.revokeLease(leaseId).catch(options.onError);
}
