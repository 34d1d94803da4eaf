import { majorityOf } from '@lockstep/coordinator/core/quorum.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import type { SimWorld } from './world.ts';

type Absence = 'off' | 'cut-off' | 'no-agent';

/** How a node is away that the operation goes on without. Undefined: it never comes back. */
interface Away {
  readonly how: Absence;
  readonly forMs: number | undefined;
}

/**
 * Takes the nodes away that the plan leaves out, each in its way, and brings them back at any moment:
 * before the start, while the operation runs, or long after it. Of those that are said to be destroyed
 * no quorum of OLD comes back: what is promised does not hold then (docs/promises.md).
 */
export function takeAway(world: SimWorld, dice: Random): void {
  const { destroyed, nodes } = world.planned.shape;
  let mayReturn = destroyed ? majorityOf(nodes) - 1 : nodes;
  for (const node of world.nodes) {
    if (!node.leftOut) continue;
    const away = awayOf(dice, destroyed, mayReturn > 0);
    if (away.forMs === undefined) node.gone = true;
    else mayReturn -= 1;
    leave(world, node, away.how);
    if (away.forMs !== undefined) {
      world.injection.healLater(away.forMs, `${node.name} is back`, () => comeBack(world, node, away.how));
    }
  }
  world.clusters.membersChanged();
}

function awayOf(dice: Random, destroyed: boolean, mayReturn: boolean): Away {
  if (destroyed && (!mayReturn || dice.chance(0.4))) return { how: 'off', forMs: undefined };
  const how = dice.pick(['off', 'off', 'cut-off', 'no-agent'] as const);
  if (dice.chance(0.03)) return { how, forMs: dice.below(200) };
  return { how, forMs: dice.chance(0.5) ? dice.between(1_000, 60_000) : dice.between(60_000, 300_000) };
}

function leave({ coordinators }: SimWorld, node: SimNode, how: Absence): void {
  const { host } = node;
  if (how === 'off') host.losePower(true);
  if (how !== 'cut-off') return;
  host.cutOff = true;
  node.startAgent();
  for (const { cutTo, cutFrom } of coordinators) {
    cutTo.add(node.index);
    cutFrom.add(node.index);
  }
}

function comeBack({ coordinators, clusters }: SimWorld, node: SimNode, how: Absence): void {
  const { host } = node;
  if (how === 'off') host.boot();
  if (how === 'cut-off') host.cutOff = false;
  for (const { cutTo, cutFrom } of coordinators) {
    cutTo.delete(node.index);
    cutFrom.delete(node.index);
  }
  clusters.membersChanged();
  node.startAgent();
}
