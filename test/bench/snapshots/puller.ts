// One node that pulls: a process of its own. Arguments: the source's address, its TLS files, the card, a directory.
import { readFile } from 'node:fs/promises';
import { pullSnapshot } from '@lockstep/agent/snapshots/pull.ts';
import { openFromAgents } from '@lockstep/agent/snapshots/remote.ts';
import { SnapshotStore } from '@lockstep/agent/snapshots/store.ts';
import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';

const TIMEOUT_MS = 600_000;
const [address = '', caFile = '', certFile = '', keyFile = '', cardFile = '', directory = ''] =
  process.argv.slice(2);
const card = SnapshotCard.fromJSON(JSON.parse(await readFile(cardFile, 'utf8')));
const store = new SnapshotStore({ directory, hostDirectory: directory, node: 'puller' });
const openSnapshot = openFromAgents({ tls: { caFile, certFile, keyFile }, cluster: 'lab' });
let wireBytes = 0;
const cpuStart = process.cpuUsage();
const start = performance.now();
await pullSnapshot(
  {
    store,
    async *openSnapshot(...call) {
      for await (const chunk of openSnapshot(...call)) {
        wireBytes += chunk.data.length;
        yield chunk;
      }
    },
  },
  { card, sealed: undefined },
  [{ node: 'cp1', address }],
  () => undefined,
  AbortSignal.timeout(TIMEOUT_MS),
);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(cpuStart);
process.stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000, wireBytes }));
