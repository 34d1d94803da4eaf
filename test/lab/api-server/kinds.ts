import { DaemonSet, Deployment, ReplicaSet } from '@lockstep/shared/generated/kubernetes/apps/v1/apps.ts';
import { Job } from '@lockstep/shared/generated/kubernetes/batch/v1/batch.ts';
import { Lease } from '@lockstep/shared/generated/kubernetes/coordination/v1/coordination.ts';
import {
  ConfigMap,
  Endpoints,
  Event,
  Namespace,
  Node,
  Pod,
  Secret,
  Service,
  ServiceAccount,
} from '@lockstep/shared/generated/kubernetes/core/v1/core.ts';
import {
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
} from '@lockstep/shared/generated/kubernetes/rbac/v1/rbac.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';

/** The built-in kinds that the lab knows: their API version, where they are stored, and their message. */
export const KINDS = {
  ClusterRole: { apiVersion: RBAC, storedUnder: 'clusterroles', message: ClusterRole },
  ClusterRoleBinding: { apiVersion: RBAC, storedUnder: 'clusterrolebindings', message: ClusterRoleBinding },
  ConfigMap: { apiVersion: 'v1', storedUnder: 'configmaps', message: ConfigMap },
  DaemonSet: { apiVersion: 'apps/v1', storedUnder: 'daemonsets', message: DaemonSet },
  Deployment: { apiVersion: 'apps/v1', storedUnder: 'deployments', message: Deployment },
  Endpoints: { apiVersion: 'v1', storedUnder: 'services/endpoints', message: Endpoints },
  Event: { apiVersion: 'v1', storedUnder: 'events', message: Event },
  Job: { apiVersion: 'batch/v1', storedUnder: 'jobs', message: Job },
  Lease: { apiVersion: 'coordination.k8s.io/v1', storedUnder: 'leases', message: Lease },
  Namespace: { apiVersion: 'v1', storedUnder: 'namespaces', message: Namespace },
  Node: { apiVersion: 'v1', storedUnder: 'minions', message: Node },
  Pod: { apiVersion: 'v1', storedUnder: 'pods', message: Pod },
  ReplicaSet: { apiVersion: 'apps/v1', storedUnder: 'replicasets', message: ReplicaSet },
  Role: { apiVersion: RBAC, storedUnder: 'roles', message: Role },
  RoleBinding: { apiVersion: RBAC, storedUnder: 'rolebindings', message: RoleBinding },
  Secret: { apiVersion: 'v1', storedUnder: 'secrets', message: Secret },
  Service: { apiVersion: 'v1', storedUnder: 'services/specs', message: Service },
  ServiceAccount: { apiVersion: 'v1', storedUnder: 'serviceaccounts', message: ServiceAccount },
} as const;

export type KindName = keyof typeof KINDS;
export type MessageOf<K extends KindName> = ReturnType<(typeof KINDS)[K]['message']['decode']>;

export function isKnownKind(kind: string): kind is KindName {
  return Object.hasOwn(KINDS, kind);
}
