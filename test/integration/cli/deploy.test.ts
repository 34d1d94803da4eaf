import { execFile } from 'node:child_process';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parseConfig as parseAgentConfig } from '@lockstep/agent/config.ts';
import { loadContext } from '@lockstep/coordinator/cli/config.ts';
import { parseConfig as parseCoordinatorConfig } from '@lockstep/coordinator/config.ts';
import { initPki } from '@lockstep/coordinator/pki/init.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

const DEPLOY = resolve(import.meta.dirname, '../../../deploy');
const UNITS = ['lockstep-agent', 'lockstep-coordinator', 'lockstep-nats'];
const run = promisify(execFile);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-deploy-'));
});
afterEach(() => rm(directory, { recursive: true }));

const hasSystemdAnalyze = await run('systemd-analyze', ['--version']).then(
  () => true,
  () => false,
);

describe('units', () => {
  test.skipIf(!hasSystemdAnalyze)(
    'systemd has nothing to say against them (needs systemd-analyze)',
    async () => {
      const paths: string[] = [];
      for (const unit of UNITS) {
        const text = await readFile(join(DEPLOY, 'systemd', `${unit}.service`), 'utf8');
        const path = join(directory, `${unit}.service`);
        // The programs are not installed here, which is all that there would be to say.
        await writeFile(path, text.replace(/^ExecStart=\S+/m, 'ExecStart=/bin/true'));
        paths.push(path);
      }
      const { stdout, stderr } = await run('systemd-analyze', ['verify', ...paths]);
      expect(stdout + stderr).toBe('');
    },
  );

  test('the agent has no mount namespace of its own, in which an exchange of directories fails', async () => {
    const text = await readFile(join(DEPLOY, 'systemd/lockstep-agent.service'), 'utf8');
    const settings = text.split('\n').filter((line) => /^[A-Z]\w*=/.test(line));
    expect(settings.length).toBeGreaterThan(10);
    const mounting =
      /^(Protect(System|Home|KernelTunables|KernelModules|KernelLogs|ControlGroups|Proc|Hostname)|Private\w+|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|BindPaths|BindReadOnlyPaths|TemporaryFileSystem|RootDirectory|RootImage|MountAPIVFS|DynamicUser|ProcSubset|ExecPaths|NoExecPaths|StateDirectory|LoadCredential)=/;
    expect(settings.filter((line) => mounting.test(line))).toEqual([]);
  });
});

describe('the DaemonSet', () => {
  test('has its own namespace, no token, and one agent down at a time', async () => {
    const documents = parseAllDocuments(await readFile(join(DEPLOY, 'kubernetes/agent.yaml'), 'utf8'));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const [namespace, , account, daemonSet] = documents.map((document) => document.toJS());
    expect(namespace).toMatchObject({ kind: 'Namespace', metadata: { name: 'lockstep-system' } });
    expect(account.automountServiceAccountToken).toBe(false);
    expect(daemonSet).toMatchObject({
      kind: 'DaemonSet',
      metadata: { namespace: 'lockstep-system' },
      spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 1 } } },
    });
    const { spec } = daemonSet.spec.template;
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(daemonSet.spec.template.metadata.labels).toEqual(daemonSet.spec.selector.matchLabels);
    const sources = spec.volumes.map((volume: object) => Object.keys(volume)[1]);
    expect(new Set(sources)).toEqual(new Set(['hostPath', 'emptyDir']));
  });
});

describe('configurations', () => {
  test('are taken by the programs that they are for', async () => {
    await initPki({
      cluster: 'prod',
      outDir: directory,
      agents: [
        { name: 'cp1', address: '10.0.0.1' },
        { name: 'cp2.example.org', address: '[fd00::2]' },
      ],
      etcdHosts: [{ name: 'etcd1', address: '10.0.0.11' }],
      coordinators: [{ name: 'bastion', address: '10.0.0.100' }],
      operators: ['ada'],
      nats: [{ name: 'n1', address: 'nats.example.org' }],
      nowMs: Date.now(),
    });
    const read = (path: string) => readFile(join(directory, path), 'utf8');
    expect(parseAgentConfig(await read('agents/cp2.example.org/agent.yaml'), 'agent.yaml')).toMatchObject({
      node: 'cp2.example.org',
      advertise: '[fd00::2]:7443',
      hosting: 'static-pod',
      nats: { servers: ['tls://nats.example.org:4222'] },
    });
    expect(parseAgentConfig(await read('agents/etcd1/agent.yaml'), 'agent.yaml')).toMatchObject({
      node: 'etcd1',
      hosting: 'systemd',
      serviceManager: { etcdUnit: 'etcd.service' },
    });
    expect(
      parseCoordinatorConfig(await read('coordinators/bastion/coordinator.yaml'), 'coordinator.yaml').nodes,
    ).toEqual([
      { name: 'cp1', address: '10.0.0.1:7443' },
      { name: 'cp2.example.org', address: '[fd00::2]:7443' },
      { name: 'etcd1', address: '10.0.0.11:7443' },
    ]);
    const context = await loadContext({ file: join(directory, 'config.yaml'), environment: {} });
    expect(context.coordinator).toBe('10.0.0.100:7444');
    expect((await lstat(context.tls.keyFile)).mode & 0o777).toBe(0o600);
  });
});

describe('install-agent.sh', () => {
  let host: string;
  let release: string;

  beforeEach(async () => {
    host = join(directory, 'host');
    release = join(directory, 'release');
    await mkdir(join(host, 'etc/systemd/system'), { recursive: true });
    await mkdir(join(host, 'opt'), { recursive: true });
    await mkdir(join(release, 'agent'), { recursive: true });
    await cp(DEPLOY, join(release, 'deploy'), { recursive: true });
    await version('0.1.0');
    // What would speak to the host's service manager writes down what it was told.
    await mkdir(join(directory, 'bin'));
    await writeFile(join(directory, 'bin/nsenter'), `#!/bin/sh\necho "$@" >> ${directory}/told\n`);
    await chmod(join(directory, 'bin/nsenter'), 0o755);
  });

  async function version(wanted: string): Promise<void> {
    await writeFile(
      join(release, 'package.json'),
      `{\n  "name": "lockstep",\n  "version": "${wanted}",\n  "private": true\n}\n`,
    );
    await writeFile(join(release, 'agent/main.ts'), `// ${wanted}\n`);
  }

  async function identity(): Promise<void> {
    await mkdir(join(host, 'etc/lockstep/tls'), { recursive: true });
    await writeFile(join(host, 'etc/lockstep/agent.yaml'), 'node: cp1\n');
    await writeFile(join(host, 'etc/lockstep/tls/tls.key'), 'key\n');
  }

  const install = () =>
    run('sh', [join(release, 'deploy/install-agent.sh'), host], {
      env: { PATH: `${directory}/bin:${process.env['PATH']}` },
    });

  async function told(): Promise<string[]> {
    const text = await readFile(join(directory, 'told'), 'utf8').catch(() => '');
    await rm(join(directory, 'told'), { force: true });
    return text
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.*-- systemctl /, ''));
  }

  test('refuses a node without identity and leaves it as it was', async () => {
    await expect(install()).rejects.toMatchObject({
      code: 5,
      stderr: expect.stringContaining('lockstep init'),
    });
    expect(await readdir(join(host, 'opt'))).toEqual([]);
  });

  test('installs, does nothing the second time, and upgrades beside the old release', async () => {
    await identity();
    await install();
    expect(await told()).toEqual([
      'daemon-reload',
      'enable lockstep-agent.service',
      'restart lockstep-agent.service',
    ]);
    expect(await readlink(join(host, 'opt/lockstep/current'))).toBe('releases/0.1.0');
    expect(await readFile(join(host, 'opt/lockstep/current/agent/main.ts'), 'utf8')).toBe('// 0.1.0\n');

    await install();
    expect(await told()).toEqual(['is-active --quiet lockstep-agent.service']);

    await version('0.2.0');
    await install();
    expect(await told()).toContain('restart lockstep-agent.service');
    expect(await readlink(join(host, 'opt/lockstep/current'))).toBe('releases/0.2.0');
    expect((await readdir(join(host, 'opt/lockstep/releases'))).sort()).toEqual(['0.1.0', '0.2.0']);
  });
});
