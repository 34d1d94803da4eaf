import { outcomeOf } from './outcomes.ts';
import { type Simulated, simulate } from './simulate.ts';
import { faultText, type Token } from './token.ts';
import { simPhaseName } from './world/sim-phase.ts';
import type { NodeView, WorldView } from './world/view.ts';

/** Runs one operation again, a line for each event; what a line shows of a node is what changed there. */
export async function replay(token: Token, say: (line: string) => void): Promise<Simulated> {
  const before: string[] = [];
  const simulated = await simulate(token, (world) => {
    say(eventLine(world));
    for (const node of world.nodes) {
      const now = nodeLine(node);
      if (before[node.index] === now) continue;
      before[node.index] = now;
      say(`${' '.repeat(26)}${node.name}: ${now}`);
    }
  });
  say('');
  say(`faults: ${simulated.script.map(faultText).join(', ') || 'none'}`);
  say(`moves: ${simulated.transitions.join(', ')}`);
  say(verdictLine(simulated));
  return simulated;
}

export function verdictLine({ broken, outcome, code, events, simulatedMs }: Simulated): string {
  const took = `${events} events, ${(simulatedMs / 1000).toFixed(1)} s simulated`;
  if (broken !== undefined) return `broken after event ${broken.event}: ${broken.message} (${took})`;
  return `ended ${outcomeOf(outcome)}${code === '' ? '' : ` (${code})`}: nothing broken (${took})`;
}

/** "  1234   12.345 s swap  effect exchange cp1". */
function eventLine({ events, nowMs, last, nodes, coordinators }: WorldView): string {
  const where = [nodes[last.node]?.name, coordinators[last.coordinator]?.name].filter(Boolean).join(' ');
  const time = `${(nowMs / 1000).toFixed(3)} s`.padStart(12);
  return `${String(events).padStart(6)} ${time} ${simPhaseName(last.phase).padEnd(10)} ${last.kind} ${last.what} ${where}`;
}

function nodeLine(node: NodeView): string {
  const { ledger, kubelet, inPlace, agent } = node;
  const incarnation = node.stores.get(inPlace.volatile)?.incarnation ?? 'nothing';
  const manifests = Object.entries(node.liveManifests)
    .filter(([, name]) => name.volatile !== 0)
    .map(([component]) => component.replace('kube-', ''));
  const processes = [
    ...node.etcds.map(
      (etcd) => `etcd ${etcd.incarnation}${etcd.serving ? ' serves' : etcd.waitsForLock ? ' waits' : ''}`,
    ),
    ...node.apiServers.map((api) => `api ${api.incarnation ?? ''}${api.ready ? ' ready' : ''}`),
  ];
  const words = [
    node.powered ? '' : 'off',
    agent.up ? '' : 'no agent',
    agent.paused ? 'agent paused' : '',
    `${incarnation} in place${inPlace.volatile === inPlace.durable ? '' : ' (not synced)'}`,
    `[${manifests.join(' ')}]`,
    kubelet.running ? 'kubelet runs' : 'no kubelet',
    kubelet.hold.volatile === 0 ? '' : 'held',
    processes.join(', '),
    ledger.promised === undefined
      ? ''
      : `promised ${ledger.promised.number} of ${ledger.promised.coordinatorId}`,
    ledger.operation?.phase ?? '',
  ];
  return words.filter((each) => each !== '').join('; ');
}
