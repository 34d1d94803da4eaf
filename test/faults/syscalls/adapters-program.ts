// Runs the agent's own durable writers one after another; strace looks on. After each has resolved
// its name goes to the marker file: whatever it promised must be durable by then.
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HostFiles } from '@lockstep/agent/adapters/host-files.ts';
import { HostRoot } from '@lockstep/agent/adapters/host-root.ts';
import { HostStores } from '@lockstep/agent/adapters/stores.ts';
import { Syscalls } from '@lockstep/agent/adapters/syscalls.ts';
import { assemble } from '@lockstep/agent/assembly.ts';
import { parseConfig } from '@lockstep/agent/config.ts';
import { Ledger } from '@lockstep/agent/ledger/ledger.ts';
import { packChunk } from '@lockstep/agent/snapshots/chunks.ts';
import { pullSnapshot } from '@lockstep/agent/snapshots/pull.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { nothingAround } from '@lockstep/shared/around.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { readSnapshotFacts } from '@lockstep/shared/snapshot/facts.ts';

const [root = '', marker = '', snapshotFile = ''] = process.argv.slice(2);
const signal = AbortSignal.timeout(60_000);
const real = (path: string): string => join(root, path);
const epoch = { number: 1n, coordinatorId: 'c1' };

const syscalls = new Syscalls();
const files = new HostFiles(new HostRoot(root, [{ path: '/data', access: 'write' }]), syscalls);
const stores = new HostStores(files, syscalls, '/data/state');

async function acknowledged(name: string, body: () => unknown): Promise<void> {
  await body();
  appendFileSync(marker, `${name}\n`);
}

function makeStore(path: string): void {
  for (const directory of ['member/snap', 'member/wal']) {
    mkdirSync(real(join(path, directory)), { recursive: true, mode: 0o755 });
  }
  writeFileSync(real(join(path, 'member/snap/db')), 'database', { mode: 0o644 });
  writeFileSync(real(join(path, 'member/wal/0.wal')), 'log', { mode: 0o644 });
}

/** What an earlier try did and did not live to sync. */
async function leftBehind(body: () => void, name: string, repair: () => unknown): Promise<void> {
  body();
  await acknowledged(name, repair);
}

// Host files.
await acknowledged('write', () => files.write('/data/manifests/a.yaml', 'a', 0o600, signal));
await acknowledged('write again', () => files.write('/data/manifests/a.yaml', 'b', 0o600, signal));
await acknowledged('makeDirectory', () => files.makeDirectory('/data/x/y/z', 0o700, signal));
await leftBehind(
  () => mkdirSync(real('/data/made')),
  'makeDirectory of one that is there',
  () => files.makeDirectory('/data/made', 0o700, signal),
);
await acknowledged('moveAll', () =>
  files.moveAll([{ from: '/data/manifests/a.yaml', to: '/data/x/y/a.yaml' }], signal),
);
await leftBehind(
  () => renameSync(real('/data/x/y/a.yaml'), real('/data/manifests/a.yaml')),
  'syncNamesIn',
  () => files.syncNamesIn(['/data/x/y', '/data/manifests'], signal),
);
await acknowledged('remove', () => files.remove('/data/manifests/a.yaml', signal));
writeFileSync(real('/data/manifests/b.yaml'), '');
await files.syncNamesIn(['/data/manifests'], signal);
await files.write('/data/manifests/b.yaml', '', 0o600, signal);
await leftBehind(
  () => unlinkSync(real('/data/manifests/b.yaml')),
  'remove of one that is gone',
  () => files.remove('/data/manifests/b.yaml', signal),
);

// Stores. OLD is adopted by itself first: what this program made is no matter of the product's.
await stores.makeDirectory('/data/lib/.lockstep/r-1', 0o700, signal);
makeStore('/data/lib/etcd');
makeStore('/data/lib/.lockstep/r-1/store');
await syncTree('/data/lib/etcd');
chmodSync(real('/data/lib/etcd'), 0o700);
await syncTree('/data/lib/etcd');
await acknowledged('adopt', () => stores.adopt('/data/lib/.lockstep/r-1/store', '/data/lib/etcd', signal));
await acknowledged('exchange', () =>
  stores.exchange(
    {
      inPlace: '/data/lib/etcd',
      other: '/data/lib/.lockstep/r-1/store',
      lockDb: '/data/lib/etcd/member/snap/db',
      prove: async () => {},
    },
    signal,
  ),
);
await leftBehind(
  () => syscalls.renameExchange(real('/data/lib/etcd'), real('/data/lib/.lockstep/r-1/store')),
  'syncNames',
  () => stores.syncNames(['/data/lib/etcd', '/data/lib/.lockstep/r-1/store'], signal),
);
await acknowledged('copyStore', () => stores.copyStore('/data/lib/etcd', '/data/lib/copy', signal));
await acknowledged('removeOwnTree', () => stores.removeOwnTree('/data/lib/.lockstep/r-1', 'r-1', signal));

// Snapshots.
const shelf = new SnapshotStore({
  directory: real('/data/state/snapshots'),
  hostDirectory: '/data/state/snapshots',
  node: 'cp1',
});
await acknowledged('prepare', () => shelf.prepare());
const facts = await readSnapshotFacts(snapshotFile, { trailer: 'required' }, signal);
const card = SnapshotCard.fromPartial({ id: 's-1', cluster: 'lab', node: 'cp2', facts });
const bytes = readFileSync(snapshotFile);
await acknowledged('pull', () =>
  pullSnapshot(
    {
      store: shelf,
      async *openSnapshot(_source, _id, offset) {
        yield await packChunk(bytes.subarray(Number(offset)), offset, BigInt(bytes.length));
      },
    },
    { card, sealed: undefined },
    [{ node: 'cp2', address: '' }],
    () => {},
    signal,
  ),
);
await acknowledged('remove', () => shelf.remove('s-1'));

// The ledger.
const settings = { path: real('/data/state/ledger.db'), node: 'cp1', cluster: 'lab', now: Date.now };
let ledger = Ledger.open(settings);
await acknowledged('open', () => {});
await acknowledged('recordPromise', () => ledger.recordPromise(epoch, 'r-1', Buffer.from('the plan')));
const intent = ledger.recordIntent('r-1', Step.STEP_STAGE, epoch, {});
await acknowledged('recordIntent', () => {});
await acknowledged('recordCompletion', () => ledger.recordCompletion(intent, {}));
await acknowledged('recordCommit', () => ledger.recordCommit('r-1', epoch));
ledger.close();
rmSync(`${settings.path}.reserve`);
ledger = Ledger.open(settings);
await acknowledged('open again', () => {});
ledger.close();

// An agent on a host that never had one.
const config = parseConfig(
  'cluster: lab\nnode: cp1\nlisten: 127.0.0.1:0\ntls: { caFile: /tls/ca, certFile: /tls/crt, keyFile: /tls/key }\n',
  'agent.yaml',
);
const agent = await assemble(
  { ...config, hostRoot: root, stateDir: '/data/agent/lockstep' },
  {
    logger: createLogger('traced', 'silent'),
    environment: {},
    around: nothingAround,
    lockPatienceMs: 1_000,
  },
);
await acknowledged('assemble', () => {});
agent.close();

async function syncTree(path: string): Promise<void> {
  const directories = ['', 'member', 'member/snap', 'member/wal'].map((below) => join(path, below));
  for (const each of ['member/snap/db', 'member/wal/0.wal']) {
    await files.write(join(path, each), each, 0o600, signal);
  }
  await files.syncNamesIn([...directories, join(path, '..')], signal);
}
