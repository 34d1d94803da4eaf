import { readFile } from 'node:fs/promises';
import { ApiClient, type ClientFiles } from '../lab/api-server/client.ts';
import { EtcdStore } from '../lab/api-server/store.ts';
import type { Lab } from '../lab/lab.ts';
import { hostPaths } from '../lab/layout/paths.ts';
import { Etcdctl } from './etcdctl.ts';

/** How clients reach what a lab runs: with kubeadm's own certificates, from the first node's files. */
export function apiServers(lab: Lab): string[] {
  return lab.controlPlanes.map(({ address }) => `https://${address}:6443`);
}

/** An administrator of the cluster. */
export function adminFiles(lab: Lab): ClientFiles {
  const pki = firstNodesPki(lab);
  return {
    caFile: `${pki}/ca.crt`,
    certFile: `${pki}/apiserver-kubelet-client.crt`,
    keyFile: `${pki}/apiserver-kubelet-client.key`,
  };
}

export function adminClient(lab: Lab, server = apiServers(lab)[0] ?? ''): ApiClient {
  return new ApiClient(server, adminFiles(lab));
}

export async function clusterCa(lab: Lab): Promise<string> {
  return readFile(adminFiles(lab).caFile, 'utf8');
}

/** All members, for writing straight into etcd. */
export function etcdStore(lab: Lab): EtcdStore {
  return new EtcdStore({
    servers: lab.etcdHosts.map(({ address }) => `https://${address}:2379`),
    ...etcdFiles(lab),
  });
}

export function etcdctls(lab: Lab): { readonly name: string; readonly etcdctl: Etcdctl }[] {
  return lab.etcdHosts.map(({ name, address }) => ({
    name,
    etcdctl: new Etcdctl(lab.etcdTools.etcdctl, {
      name,
      endpoint: `https://${address}:2379`,
      ...etcdFiles(lab),
    }),
  }));
}

function etcdFiles(lab: Lab): ClientFiles {
  const pki = `${firstNodesPki(lab)}/etcd`;
  return {
    caFile: `${pki}/ca.crt`,
    certFile: `${pki}/healthcheck-client.crt`,
    keyFile: `${pki}/healthcheck-client.key`,
  };
}

function firstNodesPki(lab: Lab): string {
  const [first] = lab.nodes;
  if (first === undefined) throw new Error('the lab has no node');
  return first.path(hostPaths.pki);
}
