import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { waitServing } from '../../lab/etcd-cluster.ts';
import type { Lab } from '../../lab/lab.ts';
import type { LabNode } from '../../lab/lab-node.ts';
import { hostPaths } from '../../lab/layout/paths.ts';
import { runProgram } from '../../lab/programs.ts';

/**
 * The eight actions of the classic runbook, each on one node, by what a person has there: files, kubelet's
 * directory, `crictl ps`, etcd's own tools. Nothing of Lockstep.
 */
const AWAY = '/root/manifests-away';
const SNAPSHOT = '/root/snapshot.db';
const POLL_MS = 100;
const RESTORE_TIMEOUT_MS = 120_000;

/** 1. `scp snapshot.db NODE:` */
export async function copySnapshot(node: LabNode, snapshotPath: string): Promise<void> {
  await mkdir(node.path('/root'), { recursive: true });
  await copyFile(snapshotPath, node.path(SNAPSHOT));
}

/** 2. `etcdutl snapshot restore` into a new directory, with this node's flags. */
export async function restoreSnapshot(lab: Lab, node: LabNode, dataDir: string): Promise<void> {
  const { exitCode, stderr } = await runProgram(
    lab.etcdTools.etcdutl,
    [
      'snapshot',
      'restore',
      node.path(SNAPSHOT),
      `--name=${node.name}`,
      `--initial-cluster=${lab.nodes.map(({ name, address }) => `${name}=https://${address}:2380`).join(',')}`,
      `--initial-cluster-token=${dataDir.slice(1).replaceAll('/', '-')}`,
      `--initial-advertise-peer-urls=https://${node.address}:2380`,
      `--data-dir=${node.path(dataDir)}`,
    ],
    { timeoutMs: RESTORE_TIMEOUT_MS, env: { ...process.env, ETCDCTL_API: '3' } },
  );
  if (exitCode !== 0) throw new Error(`etcdutl snapshot restore on ${node.name}: ${stderr.trim()}`);
}

/** 3. `mv /etc/kubernetes/manifests/*.yaml /root/manifests-away/`; returns the files. */
export async function takeManifestsOut(node: LabNode): Promise<string[]> {
  await mkdir(node.path(AWAY), { recursive: true });
  const files = (await readdir(node.path(hostPaths.manifests))).filter((file) => file.endsWith('.yaml'));
  for (const file of files) await rename(manifest(node, file), node.path(join(AWAY, file)));
  return files;
}

/** 4. `crictl ps` until neither is listed. */
export async function waitContainersGone(node: LabNode, signal: AbortSignal): Promise<void> {
  await waitFor(
    {
      describe: () => `the containers of ${node.name} are gone`,
      check: async () => node.containers('etcd').length + node.containers('kube-apiserver').length === 0,
    },
    POLL_MS,
    signal,
  );
}

/** 5. `sed -i 's#path: OLD$#path: NEW#' etcd.yaml`; returns OLD. */
export async function pointManifestAt(node: LabNode, dataDir: string): Promise<string> {
  const path = node.path(join(AWAY, 'etcd.yaml'));
  const text = await readFile(path, 'utf8');
  const old = /path: (\/var\/lib\/etcd\S*)$/m.exec(text)?.[1];
  if (old === undefined) throw new Error(`etcd.yaml of ${node.name} names no data directory`);
  await writeFile(path, text.replace(`path: ${old}\n`, `path: ${dataDir}\n`));
  return old;
}

/** 6. `mv /root/manifests-away/FILE /etc/kubernetes/manifests/` */
export async function putManifestsBack(node: LabNode, files: readonly string[]): Promise<void> {
  for (const file of files) await rename(node.path(join(AWAY, file)), manifest(node, file));
}

/** 7. `etcdctl endpoint health` until the member is part of a quorum. */
export async function waitMemberHealthy(node: LabNode, signal: AbortSignal): Promise<void> {
  await waitServing(node, 'client', '/health', signal);
}

/** 8. `curl https://NODE:6443/readyz` until the API server is ready. */
export async function waitApiHealthy(node: LabNode, signal: AbortSignal): Promise<void> {
  await node.waitApiReady(signal);
}

/** What no runbook says: until the member has done with its corruption check and answers others'. */
export async function waitMemberServesPeers(node: LabNode, signal: AbortSignal): Promise<void> {
  await waitServing(node, 'peer', '/version', signal);
}

/** What a runbook says to delete once all is well. */
export async function removeStore(node: LabNode, dataDir: string): Promise<void> {
  await rm(node.path(dataDir), { recursive: true, force: true });
}

function manifest(node: LabNode, file: string): string {
  return node.path(join(hostPaths.manifests, file));
}
