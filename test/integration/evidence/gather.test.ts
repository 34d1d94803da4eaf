import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EvidenceManifest } from '@lockstep/shared/evidence-archive/manifest.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../../lab/lab.ts';

const UP_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 60_000;

let lab: Lab;
let directory: string;
let path: string;
let shown: { manifest: EvidenceManifest; sha256: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-evidence-'));
  lab = await Lab.up({ nodes: 1, nats: false });
  const { root } = lab.node('cp1');
  await mkdir(join(root, 'root/.ssh'), { recursive: true });
  await writeFile(
    join(root, 'root/.ssh/authorized_keys'),
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJbYw3Zl0sGkPGdFdnVuZm9y0000000000000000000000 eve@nowhere\n',
  );
  await symlink('/etc/shadow', join(root, 'etc/kubernetes/manifests/.shadow'));
  const { exitCode, stdout, stderr } = await lab.lockstep(
    ['evidence', 'gather', '--dir', directory, '--reason', 'INC-42', '-o', 'json'],
    { timeoutMs: TIMEOUT_MS },
  );
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  const answer = JSON.parse(stdout) as { archives: { path: string }[] };
  path = answer.archives[0]?.path ?? '';
  shown = JSON.parse((await lab.lockstep(['evidence', 'show', path, '-o', 'json'])).stdout);
}, UP_TIMEOUT_MS + TIMEOUT_MS);

afterAll(async () => {
  await lab?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
}, TIMEOUT_MS);

describe('evidence of a node', () => {
  it('lies in one file, for its owner alone, and says who asked for it and who gathered it', async () => {
    expect(await readdir(directory)).toHaveLength(1);
    const { custody, node } = shown.manifest;
    expect(node).toBe('cp1');
    expect(custody).toMatchObject({
      requestedBy: `lockstep://${lab.clusterName}/operator/alice`,
      commandedBy: `lockstep://${lab.clusterName}/coordinator/coordinator-1`,
      gatheredBy: `lockstep://${lab.clusterName}/agent/cp1`,
      reason: 'INC-42',
    });
  });

  it('ends every collector, and takes what it is to take', () => {
    const { collectors, files } = shown.manifest;
    expect(collectors.filter(({ outcome }) => outcome !== 'done')).toEqual([]);
    expect(collectors.map(({ name }) => name)).not.toContain('store');
    const names = files.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'static-pods/etc/kubernetes/manifests/etcd.yaml',
        'static-pods/static-pods.json',
        'kubelet/var/lib/kubelet/config.yaml',
        'kubelet/kubeconfigs.json',
        'api-server/api-server.json',
        'containers/containers.json',
        'listeners/listeners.json',
        'ssh-keys/ssh-keys.json',
        'units/units.json',
        'cron/cron.json',
      ]),
    );
    expect(names.some((name) => name.startsWith('pod-logs/var/log/pods/'))).toBe(true);
  });

  it('records a symbolic link and does not follow it', () => {
    const link = shown.manifest.notTaken.find(({ path: at }) => at.endsWith('/.shadow'));
    expect(link).toMatchObject({ kind: 'symbolic-link', target: '/etc/shadow' });
  });

  it('verifies, and no more once a byte of it was changed', async () => {
    const ca = join(lab.directory, 'pki/ca.crt');
    const good = await lab.lockstep(['evidence', 'verify', path, '--ca', ca, '-o', 'json']);
    expect(good.exitCode, good.stdout).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      outcome: 'done',
      sealedBy: `lockstep://${lab.clusterName}/agent/cp1`,
      sha256: shown.sha256,
    });
    const bytes = await readFile(path);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    const changed = join(directory, 'changed.tar.zst');
    await writeFile(changed, bytes);
    const bad = await lab.lockstep(['evidence', 'verify', changed, '--ca', ca, '-o', 'json']);
    expect(bad.exitCode).toBe(8);
    expect(JSON.parse(bad.stdout)).toMatchObject({ outcome: 'findings', code: 'EVIDENCE_ARCHIVE_INVALID' });
    await rm(changed);
  });

  it('is in the node’s own audit, with the digest of what was sent', async () => {
    const { DatabaseSync } = await import('node:sqlite');
    using ledger = new DatabaseSync(join(lab.node('cp1').root, 'var/lib/lockstep/ledger.db'), {
      readOnly: true,
    });
    const rows = ledger.prepare("SELECT * FROM audit WHERE command LIKE 'GatherEvidence%'").all();
    expect(rows).toEqual([
      expect.objectContaining({
        command: `GatherEvidence for lockstep://${lab.clusterName}/operator/alice`,
        caller: `lockstep://${lab.clusterName}/coordinator/coordinator-1`,
        operation_id: shown.manifest.gatherId,
        outcome: `done: sha256 ${shown.sha256}`,
      }),
    ]);
  });

  it('refuses a collector that there is none of, and names those that there are', async () => {
    const { exitCode, stdout } = await lab.lockstep(
      ['evidence', 'gather', '--dir', directory, '--include', 'shadow', '-o', 'json'],
      { timeoutMs: TIMEOUT_MS },
    );
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain('static-pods');
  });
});
