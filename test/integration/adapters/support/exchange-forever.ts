import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';

/** Exchanges two stores, and moves a manifest to and fro, until it is killed. Arguments: the host root. */
const [root = ''] = process.argv.slice(2);
const syscalls = new Syscalls();
const files = new HostFiles(new HostRoot(root, [{ path: '/data', access: 'write' }]), syscalls);
const stores = new HostStores(files, syscalls, '/data/state');
const signal = AbortSignal.timeout(60_000);
process.stdout.write('ready\n');
for (;;) {
  await stores.exchange(
    {
      inPlace: '/data/etcd',
      other: '/data/.lockstep/op/store',
      lockDb: '/data/etcd/member/snap/db',
      prove: async () => {},
    },
    signal,
  );
  await files.moveAll([{ from: '/data/live/etcd.yaml', to: '/data/parked/etcd.yaml' }], signal);
  await files.write('/data/live/note', `${process.hrtime.bigint()}\n`.repeat(1000), 0o600, signal);
  await files.moveAll([{ from: '/data/parked/etcd.yaml', to: '/data/live/etcd.yaml' }], signal);
}
