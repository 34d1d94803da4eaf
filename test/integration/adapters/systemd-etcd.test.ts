import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chown, copyFile, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { assembleNode, type HostedNode } from '@lockstep/agent/hosting/assemble.ts';
import { deadline } from '@lockstep/shared/deadline.ts';
import { freePort } from '@lockstep/shared/free-port.ts';
import { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { waitFor } from '@lockstep/shared/waiting.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EtcdTools, locateTools } from '../../lab/tools/locate.ts';
import { scratchDirectory } from './support/scratch.ts';
import { locateSystemd, SYSTEMCTL, SystemdContainer } from './support/systemd-container.ts';

const OPERATION = 'r-1';
const ETCD_UID = 1900;
const DATA_DIR = '/var/lib/etcd/default';
/** As packages have it, with an administrator's drop-in that says where its configuration is. */
const UNIT_FILE = `[Unit]
Description=etcd - highly-available key value store
[Service]
Type=notify
User=etcd
EnvironmentFile=-/etc/default/etcd
ExecStart=/usr/bin/etcd
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
`;
const DROP_IN = '[Service]\nExecStart=\nExecStart=/usr/bin/etcd $OPTIONS\n';

const systemd = await locateSystemd();
const soon = (): AbortSignal => deadline(60_000);

describe.skipIf(systemd === undefined)(
  'etcd as a unit of a real systemd (skipped where there is none, or no root)',
  () => {
    let scratch: Awaited<ReturnType<typeof scratchDirectory>>;
    let host: SystemdContainer;
    let node: HostedNode;
    let etcd: EtcdTools;
    let plan: NodePlan;

    beforeAll(async () => {
      if (systemd === undefined) return;
      scratch = await scratchDirectory();
      ({ etcd } = await locateTools());
      host = await SystemdContainer.create(systemd, scratch.path);
      await layOut();
      node = assembleNode(
        {
          hostRoot: host.root,
          stateDir: '/var/lib/lockstep',
          hosting: 'systemd',
          containerRuntime: { socket: '/run/containerd/containerd.sock' },
          serviceManager: {
            systemctl: SYSTEMCTL,
            unitDir: '/etc/systemd/system',
            kubeletUnit: 'kubelet.service',
          },
          kubelet: { config: '/var/lib/kubelet/config.yaml', staticPodPath: '/etc/kubernetes/manifests' },
          tools: {},
        },
        '',
      );
      await host.boot();
      const serves = {
        describe: () => 'etcd serves',
        check: async () => (await node.hosting.inspect(soon())).etcd?.serving === true,
      };
      await waitFor(serves, 300, soon());
      const { etcd: found } = await node.hosting.inspect(soon());
      if (found?.store === undefined) throw new Error('the host shows no store');
      const { name, dataDir, listenClientUrls, listenPeerUrls, store: oldStore } = found;
      plan = NodePlan.fromPartial({
        node: 'etcd1',
        hosting: 'systemd',
        etcdUnit: 'etcd.service',
        etcd: { name, dataDir, listenClientUrls, listenPeerUrls, oldStore },
      });
    });

    afterAll(async () => {
      node?.close();
      await host?.[Symbol.asyncDispose]();
      await scratch?.[Symbol.asyncDispose]();
    });

    async function layOut(): Promise<void> {
      const path = (name: string): string => join(host.root, name);
      const client = `http://127.0.0.1:${await freePort()}`;
      const peer = `http://127.0.0.1:${await freePort()}`;
      await appendFile(
        path('etc/passwd'),
        `etcd:x:${ETCD_UID}:${ETCD_UID}::/var/lib/etcd:/usr/sbin/nologin\n`,
      );
      await appendFile(path('etc/group'), `etcd:x:${ETCD_UID}:\n`);
      await copyFile(etcd.etcd, path('usr/bin/etcd'));
      for (const directory of ['var/lib/lockstep', 'var/lib/etcd', 'etc/etcd', 'etc/default']) {
        await mkdir(path(directory), { recursive: true });
      }
      await chown(path('var/lib/etcd'), ETCD_UID, ETCD_UID);
      await writeFile(path('etc/default/etcd'), 'OPTIONS="--config-file=/etc/etcd/etcd.conf.yaml"\n');
      await writeFile(
        path('etc/etcd/etcd.conf.yaml'),
        [
          'name: etcd1',
          `data-dir: ${DATA_DIR}`,
          `listen-client-urls: ${client}`,
          `advertise-client-urls: ${client}`,
          `listen-peer-urls: ${peer}`,
          `initial-advertise-peer-urls: ${peer}`,
          `initial-cluster: etcd1=${peer}`,
          '',
        ].join('\n'),
      );
      const units = path('etc/systemd/system');
      await mkdir(join(units, 'etcd.service.d'), { recursive: true });
      await mkdir(join(units, 'multi-user.target.wants'), { recursive: true });
      await mkdir(path('usr/lib/systemd/system'), { recursive: true });
      await writeFile(path('usr/lib/systemd/system/etcd.service'), UNIT_FILE);
      await writeFile(join(units, 'etcd.service.d/options.conf'), DROP_IN);
      await symlink(
        '/usr/lib/systemd/system/etcd.service',
        join(units, 'multi-user.target.wants/etcd.service'),
      );
    }

    const proof = (): Promise<void> => node.hosting.proveStopped(plan, OPERATION, ['etcd'], soon());
    const unproven = expect.objectContaining({ code: 'STOP_UNPROVEN' }) as Error;

    test('is read from its unit, its drop-in, its environment and its configuration file', async () => {
      const report = await node.hosting.inspect(soon());
      expect(report).toMatchObject({
        hosting: 'systemd',
        kubelet: undefined,
        manifests: [],
        etcd: { name: 'etcd1', dataDir: DATA_DIR, serving: true, store: { uid: ETCD_UID } },
        etcdUnit: { unit: 'etcd.service', active: true, user: 'etcd' },
      });
      expect(report.etcdUnit?.files.map(({ path }) => path)).toEqual([
        expect.stringMatching(/\/lib\/systemd\/system\/etcd\.service$/u),
        '/etc/systemd/system/etcd.service.d/options.conf',
        '/etc/default/etcd',
        '/etc/etcd/etcd.conf.yaml',
      ]);
      // What systemd has loaded is what was read: nothing is said to differ.
      expect(report.failures.filter(({ message }) => /systemd|daemon-reload/u.test(message))).toEqual([]);
    });

    test('goes on while it is held, and that is no proof of a stop', async () => {
      await node.hosting.prepareHold(soon());
      await node.hosting.holdKubelet(OPERATION, soon());
      expect((await node.member.observe(soon())).memberId).not.toBe('');
      expect(await node.hosting.kubeletState(OPERATION, soon())).toMatchObject({ held: true, marked: true });
      await expect(proof()).rejects.toThrow(unproven);
    });

    test('is killed and proven stopped, and nothing starts it: not Restart=always, not a hand, not a boot', async () => {
      await node.hosting.stopComponents(plan, ['etcd'], soon());
      await proof();
      await host.systemctl('start', 'etcd');
      await proof();
      await host.powerOff();
      await host.boot();
      await proof();
      expect(await node.hosting.manifestsInPlace(plan, soon())).toEqual([]);
      // Somebody else's hold is none of this operation's.
      await expect(node.hosting.proveStopped(plan, 'r-2', ['etcd'], soon())).rejects.toThrow(unproven);
    });

    test('is not proven stopped while somebody runs another etcd over its store', async () => {
      const stray = await startStray(etcd.etcd, join(host.root, DATA_DIR));
      try {
        await expect
          .poll(
            () =>
              proof().then(
                () => '',
                ({ message }: Error) => message,
              ),
            { timeout: 20_000 },
          )
          .toContain(`process ${stray.pid}`);
      } finally {
        stray.kill('SIGKILL');
        await once(stray, 'exit');
      }
      await proof();
    });

    test('starts again once it is let go, asked for twice', async () => {
      const before = await stat(join(host.root, DATA_DIR));
      await giveBack(join(host.root, DATA_DIR));
      await node.hosting.returnManifest(plan, 'etcd', '', soon());
      await node.hosting.returnManifest(plan, 'etcd', '', soon());
      await expect
        .poll(
          () =>
            node.member.observe(deadline(2_000)).then(
              () => true,
              () => false,
            ),
          { timeout: 30_000 },
        )
        .toBe(true);
      expect(await node.hosting.manifestsInPlace(plan, soon())).toEqual(['etcd']);
      expect(await node.hosting.kubeletState(OPERATION, soon())).toMatchObject({
        held: false,
        marked: false,
        active: true,
      });
      expect((await stat(join(host.root, DATA_DIR))).ino).toBe(before.ino);
    });
  },
);

/** By hand, as root, over a store that is held. */
async function startStray(program: string, dataDir: string): Promise<ChildProcess> {
  const url = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;
  const [client, peer] = [await url(), await url()];
  const child = spawn(
    program,
    [
      '--name=etcd1',
      `--data-dir=${dataDir}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
    ],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn');
  return child;
}

async function giveBack(tree: string): Promise<void> {
  const child = spawn('chown', ['-R', `${ETCD_UID}:${ETCD_UID}`, tree], { stdio: 'ignore' });
  await once(child, 'exit');
}
