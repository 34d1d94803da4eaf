import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type ClusterPki, issueNodePairs, issueUsers, type PkiNode } from '../pki/kubernetes-pki.ts';
import { systemctlScript } from '../service-manager/control.ts';
import { kubeconfig } from './kubeconfig.ts';
import { hostPaths } from './paths.ts';
import { ETCD_ENVIRONMENT, ETCD_UNIT, environmentFile, type UnitInput, unitFiles } from './units.ts';

const PRIVATE = 0o600;
const PUBLIC = 0o644;
const EXECUTABLE = 0o755;

export interface NodeRootInput extends UnitInput {
  readonly pki: ClusterPki;
  readonly serviceManagerPort: number;
  /** EncryptionConfiguration for the API server; a secret. */
  readonly encryptionConfig?: string;
}

/** Lays a node out as `kubeadm` leaves it, without manifests and without a store. Modes as kubeadm's. */
export async function layNodeOut(input: NodeRootInput): Promise<void> {
  const { root, pki } = input;
  await makeDirectories(root);
  await writePki(root, pki, { name: input.node, address: input.address });
  await writeKubeconfigs(input);
  await write(root, '/etc/hostname', `${input.node}\n`, PUBLIC);
  await write(
    root,
    '/usr/bin/systemctl',
    systemctlScript(input.address, input.serviceManagerPort),
    EXECUTABLE,
  );
  if (input.etcd === undefined) {
    await write(root, `${hostPaths.kubelet}/config.yaml`, kubeletConfiguration(), PUBLIC);
  } else {
    await mkdir(join(root, '/usr/bin'), { recursive: true });
    await symlink(input.etcd.program, join(root, '/usr/bin/etcd'));
    await write(root, ETCD_ENVIRONMENT, environmentFile(input.etcd), PUBLIC);
  }
  if (input.encryptionConfig !== undefined) {
    await write(root, '/etc/kubernetes/encryption/config.yaml', input.encryptionConfig, PRIVATE);
  }
  for (const { name, path, text } of unitFiles(input)) {
    await write(root, path, text, PUBLIC);
    // etcd's is enabled once there is a store for it.
    if (name !== '' && name !== ETCD_UNIT.name) await enableUnit(root, name, path);
  }
}

/** Writes a file of the node, and the directories above it. */
export async function write(root: string, path: string, content: string, mode: number): Promise<void> {
  const real = join(root, path);
  await mkdir(dirname(real), { recursive: true });
  await writeFile(real, content, { mode });
  await chmod(real, mode);
}

async function makeDirectories(root: string): Promise<void> {
  for (const path of [
    hostPaths.manifests,
    hostPaths.kubelet,
    '/etc/ssl/certs',
    '/run/containerd',
    '/var/log/pods',
    '/var/lib/containerd',
    '/tmp',
  ]) {
    await mkdir(join(root, path), { recursive: true });
  }
}

async function writePki(root: string, pki: ClusterPki, node: PkiNode): Promise<void> {
  for (const [name, pair] of Object.entries(await issueNodePairs(pki, node))) {
    await write(root, `${hostPaths.pki}/${name}.crt`, pair.certificate, PUBLIC);
    await write(root, `${hostPaths.pki}/${name}.key`, pair.key, PRIVATE);
  }
  await write(root, `${hostPaths.pki}/sa.pub`, pki.serviceAccount.publicKey, PRIVATE);
  await write(root, `${hostPaths.pki}/sa.key`, pki.serviceAccount.privateKey, PRIVATE);
}

async function writeKubeconfigs({ root, pki, node, address }: NodeRootInput): Promise<void> {
  for (const [name, pair] of Object.entries(await issueUsers(pki, { name: node, address }))) {
    const text = kubeconfig({
      server: `https://${address}:6443`,
      caCertificate: pki.ca.certificate,
      user: name,
      pair,
    });
    await write(root, `/etc/kubernetes/${name}.conf`, text, PRIVATE);
  }
}

function kubeletConfiguration(): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'systemd',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    evictionHard: {
      'imagefs.available': '15%',
      'memory.available': '100Mi',
      'nodefs.available': '10%',
      'nodefs.inodesFree': '5%',
    },
    fileCheckFrequency: '0s',
    rotateCertificates: true,
    staticPodPath: hostPaths.manifests,
  });
}

/** Started at boot from now on. */
export async function enableUnit(root: string, name: string, path: string): Promise<void> {
  const wants = join(root, '/etc/systemd/system/multi-user.target.wants');
  await mkdir(wants, { recursive: true });
  await symlink(path, join(wants, basename(name)));
}
