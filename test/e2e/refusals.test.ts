import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Lab } from '../lab/lab.ts';
import type { LabNode } from '../lab/lab-node.ts';
import {
  replaceAfter,
  type SnapshotFiles,
  snapshotFiles,
  withAlteredSnapshot,
} from './support/alter-snapshot.ts';
import { authEnabledSnapshot } from './support/auth-snapshot.ts';
import {
  injectOnAgents,
  planRestore,
  put,
  runRestore,
  saveSnapshot,
  waitAgents,
  waitServing,
} from './support/cluster.ts';
import { loadObjects } from './support/objects.ts';
import { readControlPlane } from './support/tree.ts';

const TMPFS_BYTES = 2 * 1024 ** 3;
const MANIFESTS = '/etc/kubernetes/manifests';

/** A small disk of the lab's own that can be filled; undefined where this process may not mount one. */
function mountSmallDisk(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'ls-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${TMPFS_BYTES}`, 'tmpfs', directory], {
      stdio: 'ignore',
    });
    return directory;
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
}
const smallDisk = mountSmallDisk();

/**
 * Every fatal thing is found before downtime: its own code, a cure, exit code 5, and nothing of
 * any node changed. Each test makes one thing wrong, asks for a restore and puts it right again.
 */
describe('refused before downtime', () => {
  let lab: Lab;
  let snapshot: string;
  let files: SnapshotFiles;

  beforeAll(async () => {
    lab = await Lab.up({
      failpoints: true,
      nodes: 3,
      encryptionConfig: ENCRYPTION,
      ...(smallDisk === undefined ? {} : { directory: join(smallDisk, 'lab') }),
    });
    await loadObjects(lab);
    await put(lab, '/registry/configmaps/default/deed', 'good');
    snapshot = await saveSnapshot(lab);
    files = snapshotFiles(lab, snapshot);
    // An agent that starts on a node with a control plane has the hold on kubelet prepared; one that
    // came before it does so in its first restore. Here all have, whichever came first.
    for (const each of lab.nodes) {
      await each.stop('lockstep-agent');
      await each.start('lockstep-agent');
    }
    await waitAgents(lab);
  });
  afterAll(async () => {
    await lab?.down();
    if (smallDisk === undefined) return;
    execFileSync('umount', [smallDisk]);
    rmSync(smallDisk, { recursive: true });
  });

  /** The files of every node's control plane. */
  function trees(): ReturnType<typeof readControlPlane>[] {
    return lab.nodes.map((each) => readControlPlane(each.root));
  }

  /** Asks for a restore; expects it refused with this code and every node's files as they were. */
  async function expectRefused(
    code: string,
    options: { snapshot?: string; args?: readonly string[] } = {},
  ): Promise<void> {
    const before = trees();
    const { said, exitCode } = await runRestore(lab, options.snapshot ?? snapshot, ...(options.args ?? []));
    expect(said, JSON.stringify(said)).toMatchObject({ outcome: 'refused' });
    const refusals = said['refusals'] as { code: string; message: string; cure: string }[];
    expect(refusals.map((each) => each.code)).toContain(code);
    for (const each of refusals) {
      expect(each.message.length).toBeGreaterThan(10);
      expect(each.cure.length).toBeGreaterThan(10);
    }
    expect(exitCode).toBe(5);
    expect(trees()).toEqual(before);
  }

  /** Makes a node's manifest directory wrong while its kubelet is stopped, so that only the plan reads it. */
  async function withManifest(
    node: LabNode,
    file: string,
    text: string,
    during: () => Promise<void>,
  ): Promise<void> {
    const path = node.path(join(MANIFESTS, file));
    let old: string | undefined;
    let keep = '';
    await node.stop('kubelet');
    try {
      old = readFileSync(path, 'utf8');
      keep = `${node.root}/kept-manifest`;
      copyFileSync(path, keep);
    } catch {}
    try {
      writeFileSync(path, text, { mode: 0o600 });
      await during();
    } finally {
      if (old === undefined) rmSync(path);
      else writeFileSync(path, old);
      rmSync(keep, { force: true });
      await node.start('kubelet');
    }
  }

  function node(name: string): LabNode {
    return lab.node(name);
  }

  describe('the snapshot', () => {
    const flip = (bytes: Buffer): Buffer => {
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 0x40;
      return bytes;
    };

    it('has a flipped byte', async () => {
      await withAlteredSnapshot(files, flip, { trailer: false, card: false }, () =>
        expectRefused('SNAPSHOT_TRAILER_MISMATCH'),
      );
    });

    it('has a flipped byte and a trailer that was made to fit', async () => {
      const inValue = (bytes: Buffer): Buffer =>
        replaceAfter(bytes, '/registry/configmaps/default/deed', 'good', 'evil');
      await withAlteredSnapshot(files, inValue, { trailer: true, card: false }, () =>
        expectRefused('SNAPSHOT_CARD_MISMATCH'),
      );
    });

    it('has a flipped byte, and trailer and card were made to fit', async () => {
      const inValue = (bytes: Buffer): Buffer =>
        replaceAfter(bytes, '/registry/configmaps/default/deed', 'good', 'evil');
      await withAlteredSnapshot(files, inValue, { trailer: true, card: true }, () =>
        expectRefused('CARD_SEAL_INVALID'),
      );
    });

    it('is truncated', async () => {
      const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 4096 - 32);
      await withAlteredSnapshot(files, cut, { trailer: false, card: false }, () =>
        expectRefused('SNAPSHOT_TRUNCATED'),
      );
      const half = (bytes: Buffer): Buffer => bytes.subarray(0, 4096 * 3 + 32);
      await withAlteredSnapshot(files, half, { trailer: true, card: false }, () =>
        expectRefused('SNAPSHOT_TRUNCATED'),
      );
    });

    it('has no trailer', async () => {
      const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 32);
      await withAlteredSnapshot(files, cut, { trailer: false, card: false }, () =>
        expectRefused('SNAPSHOT_TRAILER_MISSING'),
      );
    });

    it('is of a newer minor of etcd', async () => {
      const [major, minor] = lab.etcdTools.version.split('.').map(Number);
      const own = `${major}.${minor}.0`;
      const newer = `${major}.${(minor ?? 0) + 1}.0`;
      const altered = (bytes: Buffer): Buffer => replaceAll(bytes, own, newer);
      await withAlteredSnapshot(files, altered, { trailer: true, card: true }, () =>
        expectRefused('SNAPSHOT_NEWER_ETCD'),
      );
    });

    it('has etcd’s own authentication switched on', async () => {
      const altered = await authEnabledSnapshot(lab);
      await withAlteredSnapshot(
        files,
        () => altered,
        { trailer: false, card: true },
        () => expectRefused('AUTH_ENABLED'),
      );
    });

    it('holds a value that the nodes’ keys do not open', async () => {
      // Sealed by nobody: whole blocks, of bytes that a command line takes.
      const value = `k8s:enc:aescbc:v1:key1:${randomBytes(36).toString('base64')}`;
      const key = '/registry/secrets/default/foreign';
      await put(lab, key, value);
      const foreign = await saveSnapshot(lab);
      await lab.etcdctl(node('cp1'), ['del', key]);
      await expectRefused('ENCRYPTION_KEY_WRONG', { snapshot: foreign });
    });

    it('is unknown', async () => {
      const before = trees();
      const { said, exitCode } = await runRestore(lab, 's-20200101-000000-nothere');
      expect(said).toMatchObject({ outcome: 'refused', code: 'SNAPSHOT_NOT_FOUND' });
      expect(exitCode).toBe(5);
      expect(trees()).toEqual(before);
    });
  });

  describe('a node', () => {
    it('is missing', async () => {
      await node('cp3').stop('lockstep-agent');
      await expectRefused('NODE_MISSING');
      await node('cp3').start('lockstep-agent');
      await waitAgents(lab);
    });

    it.runIf(smallDisk !== undefined)('has too little space', async () => {
      const filler = join(lab.directory, 'filler');
      const { bavail, bsize } = statfsSync(lab.directory);
      writeFileSync(filler, '');
      execFileSync('fallocate', ['-l', String(bavail * bsize - 40 * 1024 * 1024), filler]);
      try {
        await expectRefused('SPACE_TOO_LITTLE');
      } finally {
        rmSync(filler);
      }
    });

    it('has the etcdutl of another minor', async () => {
      const fake = join(lab.directory, 'etcdutl');
      writeFileSync(
        fake,
        '#!/bin/sh\necho "etcdutl version: 3.3.1"\necho "etcdctl version: 3.3.1"\necho "API version: 3.3"\n',
      );
      chmodSync(fake, 0o755);
      const path = node('cp2').path('/etc/lockstep/agent.yaml');
      const config = readFileSync(path, 'utf8');
      writeFileSync(path, stringify({ ...parse(config), tools: { etcdutl: fake, etcdctl: fake } }));
      await node('cp2').restart('lockstep-agent');
      await waitAgents(lab);
      try {
        await expectRefused('TOOL_MISMATCH');
      } finally {
        writeFileSync(path, config);
        await node('cp2').restart('lockstep-agent');
        await waitAgents(lab);
      }
    });

    it('has an unparsable manifest', async () => {
      await withManifest(node('cp2'), 'notes.yaml', '{ this is: [no pod', () =>
        expectRefused('MANIFEST_UNPARSABLE'),
      );
    });

    it('has a second etcd in its manifest directory', async () => {
      const copy = readFileSync(node('cp2').path(join(MANIFESTS, 'etcd.yaml')), 'utf8');
      await withManifest(node('cp2'), 'etcd.yaml.backup', copy, () => expectRefused('MANIFEST_SECOND_ETCD'));
    });

    it('has --force-new-cluster in its manifest', async () => {
      const manifest = readFileSync(node('cp2').path(join(MANIFESTS, 'etcd.yaml')), 'utf8');
      const forced = manifest.replace(/(\n\s*- )--name=/, '$1--force-new-cluster=true$1--name=');
      expect(forced).not.toBe(manifest);
      await withManifest(node('cp2'), 'etcd.yaml', forced, () => expectRefused('FORCE_NEW_CLUSTER'));
      await waitServing(lab);
    });

    it('has another service-account key', async () => {
      const path = node('cp3').path('/etc/kubernetes/pki/sa.pub');
      const own = readFileSync(path);
      const other = execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout']);
      const pub = execFileSync('openssl', ['ec', '-pubout'], {
        input: other,
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      writeFileSync(path, pub);
      try {
        await expectRefused('SERVICE_ACCOUNT_KEY_MISMATCH');
      } finally {
        writeFileSync(path, own);
      }
    });

    it('has another cluster CA', async () => {
      const path = node('cp3').path('/etc/kubernetes/pki/ca.crt');
      const own = readFileSync(path);
      writeFileSync(path, readFileSync(node('cp3').path('/etc/kubernetes/pki/etcd/ca.crt')));
      try {
        await expectRefused('CLUSTER_CA_MISMATCH');
      } finally {
        writeFileSync(path, own);
      }
    });

    it('has a clock that is off by more than 10 s', async () => {
      injectOnAgents(lab, { node: 'cp3', clockAheadMs: 15_000 });
      try {
        await expectRefused('CLOCK_SKEW');
      } finally {
        injectOnAgents(lab);
      }
    });
  });

  describe('the cluster', () => {
    const memberId = async (name: string): Promise<string> => {
      const { stdout } = await lab.etcdctl(node('cp1'), ['member', 'list']);
      const line = stdout.split('\n').find((each) => each.includes(name));
      return line?.split(',')[0] ?? '';
    };

    it('has a member without an agent', async () => {
      const added = await lab.etcdctl(node('cp1'), [
        'member',
        'add',
        'ghost',
        '--peer-urls=https://127.99.99.99:2380',
      ]);
      expect(added.exitCode, added.stderr).toBe(0);
      try {
        await expectRefused('MEMBER_NOT_PLANNED');
      } finally {
        await lab.etcdctl(node('cp1'), ['member', 'remove', await memberId('127.99.99.99')]);
      }
    });

    it('has a learner', async () => {
      const added = await lab.etcdctl(node('cp1'), [
        'member',
        'add',
        'ghost',
        '--learner',
        '--peer-urls=https://127.99.99.98:2380',
      ]);
      expect(added.exitCode, added.stderr).toBe(0);
      try {
        await expectRefused('MEMBER_LEARNER');
      } finally {
        await lab.etcdctl(node('cp1'), ['member', 'remove', await memberId('127.99.99.98')]);
      }
    });

    it('has a client of etcd that is not in the plan', async () => {
      const localAddress = lab.network.nodeAddress(77);
      const client = connect({ host: node('cp1').address, port: 2379, localAddress });
      await once(client, 'connect');
      try {
        await expectRefused('CLIENT_NOT_PLANNED');
      } finally {
        client.destroy();
      }
    });

    it('has an API server that is not in the plan', async () => {
      await put(lab, '/registry/masterleases/192.0.2.7', 'x');
      try {
        await expectRefused('CLIENT_NOT_PLANNED');
      } finally {
        await lab.etcdctl(node('cp1'), ['del', '/registry/masterleases/192.0.2.7']);
      }
    });
  });

  describe('the plan', () => {
    it('has drifted', async () => {
      const { said } = await planRestore(lab, snapshot);
      const path = node('cp2').path(join(MANIFESTS, 'kube-scheduler.yaml'));
      const own = readFileSync(path, 'utf8');
      await node('cp2').stop('kubelet');
      writeFileSync(path, `${own}# edited meanwhile\n`);
      const before = trees();
      try {
        const ended = await lab.lockstep(
          ['restore', 'run', '--plan', said.operationId, '--confirm', lab.clusterName, '-o', 'json'],
          { timeoutMs: 120_000 },
        );
        expect(ended.stdout).toContain('PLAN_DRIFTED');
        expect(ended.exitCode).toBe(5);
        expect(trees()).toEqual(before);
      } finally {
        writeFileSync(path, own);
        await node('cp2').start('kubelet');
      }
    });

    it('has expired', async () => {
      const path = join(lab.directory, 'coordinator/config.yaml');
      const config = readFileSync(path, 'utf8');
      await lab.coordinator.stop();
      writeFileSync(path, stringify({ ...parse(config), planExpiryMs: 1_000 }));
      await lab.coordinator.start();
      await waitAgents(lab);
      try {
        const before = trees();
        const { said } = await planRestore(lab, snapshot);
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const ended = await lab.lockstep(
          ['restore', 'run', '--plan', said.operationId, '--confirm', lab.clusterName, '-o', 'json'],
          { timeoutMs: 120_000 },
        );
        expect(ended.stdout).toContain('PLAN_EXPIRED');
        expect(ended.exitCode).toBe(5);
        expect(trees()).toEqual(before);
      } finally {
        await lab.coordinator.stop();
        writeFileSync(path, config);
        await lab.coordinator.start();
        await waitAgents(lab);
      }
    });

    it('is confirmed for another cluster', async () => {
      const before = trees();
      const ended = await lab.lockstep(
        ['restore', 'run', snapshot, '--confirm', 'production', '-o', 'json'],
        {
          timeoutMs: 60_000,
        },
      );
      expect(ended.stdout).toContain('CONFIRMATION_MISMATCH');
      expect(ended.exitCode).toBe(5);
      expect(trees()).toEqual(before);
    });
  });
});

function replaceAll(bytes: Buffer, from: string, to: string): Buffer {
  let found = 0;
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + 1)) {
    bytes.write(to, at, 'latin1');
    found += 1;
  }
  if (found === 0) throw new Error(`no ${from} in the snapshot`);
  return bytes;
}

const ENCRYPTION = `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc: { keys: [{ name: key1, secret: ${randomBytes(32).toString('base64')} }] }
      - identity: {}
`;
