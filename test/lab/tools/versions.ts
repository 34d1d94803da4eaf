/**
 * The versions that the lab runs, and where each comes from. The one place to change them.
 * A Debian version is matched by its upstream part: rebuilds of the same source (`+b2`) are the same to us.
 */

export interface DebianSource {
  readonly suite: string;
  readonly packages: readonly string[];
  /** Packages whose shared libraries the program needs and a machine need not have; any version of the suite. */
  readonly libraries?: readonly string[];
}

export interface GoSource {
  /** A module whose root package, or whose `command`, is the program. All of one tool share one temporary module. */
  readonly modules: readonly {
    readonly module: string;
    readonly command?: string;
    readonly binary: string;
  }[];
  /** A module whose published form lacks the parts that it is made with: these, at a version of their own. */
  readonly staged?: { readonly module: string; readonly version: string };
  /** "path/of/package.variable=text", for programs that are told their version when they are built. */
  readonly stamp?: readonly string[];
}

export interface PinnedTool {
  readonly name: 'etcd' | 'nats-server' | 'strace' | 'versitygw' | 'age' | 'kine' | 'kube-apiserver';
  /** Upstream's version, without `v`. */
  readonly version: string;
  readonly binaries: readonly string[];
  readonly debian?: DebianSource;
  readonly go?: GoSource;
  /** What a person does where neither source works. */
  readonly byHand: string;
}

const ETCD_PACKAGES = ['etcd-server', 'etcd-client'] as const;

const ETCD_MODULES: GoSource = {
  modules: [
    { module: 'go.etcd.io/etcd/server/v3', binary: 'etcd' },
    { module: 'go.etcd.io/etcd/etcdctl/v3', binary: 'etcdctl' },
    { module: 'go.etcd.io/etcd/etcdutl/v3', binary: 'etcdutl' },
  ],
};

function etcd(version: string, sources: { debian?: DebianSource; go?: GoSource }): PinnedTool {
  const binaries = version.startsWith('3.4.') ? ['etcd', 'etcdctl'] : ['etcd', 'etcdctl', 'etcdutl'];
  return {
    name: 'etcd',
    version,
    binaries,
    ...sources,
    byHand: `put ${binaries.join(', ')} of etcd ${version} into .tools/etcd/${version}/bin, or point LOCKSTEP_TOOLS to a directory that has them`,
  };
}

/** Had from Debian in seconds, and young enough to bump a revision: what everything runs on unless told otherwise. */
export const defaultEtcd: PinnedTool = etcd('3.5.16', {
  debian: { suite: 'trixie', packages: ETCD_PACKAGES },
  go: ETCD_MODULES,
});

/** One of each minor version that the main job supports. 3.4.23 is too old to bump a revision: a case of its own. */
export const everyEtcd: readonly PinnedTool[] = [
  etcd('3.4.23', { debian: { suite: 'bookworm', packages: ETCD_PACKAGES } }),
  defaultEtcd,
  etcd('3.6.16', { go: ETCD_MODULES }),
  etcd('3.7.3', { go: ETCD_MODULES }),
];

export const natsServer: PinnedTool = {
  name: 'nats-server',
  version: '2.10.27',
  binaries: ['nats-server'],
  debian: { suite: 'trixie', packages: ['nats-server'] },
  go: { modules: [{ module: 'github.com/nats-io/nats-server/v2', binary: 'nats-server' }] },
  byHand:
    'put nats-server 2.10 or later into .tools/nats-server/2.10.27/bin, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** Shows the order of syncs that no crash can show. Optional: where it cannot be had, those tests skip by name. */
export const strace: PinnedTool = {
  name: 'strace',
  version: '6.1',
  binaries: ['strace'],
  debian: { suite: 'bookworm', packages: ['strace'], libraries: ['libunwind8', 'liblzma5'] },
  byHand: 'install strace, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** An S3 server on a directory: what the stores are tested against. Optional; built in one to four minutes. */
export const versitygw: PinnedTool = {
  name: 'versitygw',
  version: '1.8.0',
  binaries: ['versitygw'],
  go: {
    modules: [{ module: 'github.com/versity/versitygw', command: 'cmd/versitygw', binary: 'versitygw' }],
  },
  byHand: 'put versitygw into .tools/versitygw/1.8.0/bin, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** The other implementation of age: what one encrypts the other opens. Optional. */
export const age: PinnedTool = {
  name: 'age',
  version: '1.1.1',
  binaries: ['age', 'age-keygen'],
  debian: { suite: 'bookworm', packages: ['age'] },
  byHand: 'install age, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** K3s' store: what the reader of its SQLite is tested against. Optional. */
export const kine: PinnedTool = {
  name: 'kine',
  version: '0.16.4',
  binaries: ['kine'],
  go: { modules: [{ module: 'github.com/k3s-io/kine', binary: 'kine' }] },
  byHand: 'put kine into .tools/kine/0.16.4/bin, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** What serves a sandbox of a snapshot. Optional, and asked for alone: the build takes ten minutes of two cores. */
export const kubeApiserver: PinnedTool = {
  name: 'kube-apiserver',
  version: '1.37.2',
  binaries: ['kube-apiserver'],
  go: {
    modules: [{ module: 'k8s.io/kubernetes', command: 'cmd/kube-apiserver', binary: 'kube-apiserver' }],
    staged: { module: 'k8s.io/kubernetes', version: '0.37.2' },
    stamp: [
      'k8s.io/component-base/version.gitVersion=v1.37.2',
      'k8s.io/component-base/version.gitMajor=1',
      'k8s.io/component-base/version.gitMinor=37',
    ],
  },
  byHand:
    'put kube-apiserver 1.37 into .tools/kube-apiserver/1.37.2/bin, or point LOCKSTEP_TOOLS to a directory that has it',
};

/** What tests can do without, by name. */
export const optionalTools: readonly PinnedTool[] = [strace];

/** What the tests of stores take: building them takes minutes, so they are fetched where asked for alone. */
export const storeTools: readonly PinnedTool[] = [age, versitygw, kine];
