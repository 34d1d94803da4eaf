import type { Host } from './host.ts';
import type { SimNode } from './node.ts';
import type { Name, NodeView } from './view.ts';

/** Parts of a node as checkers see them: made once, and true at every moment. */
export class AgentView {
  readonly #node: SimNode;

  constructor(node: SimNode) {
    this.#node = node;
  }

  get up(): boolean {
    return this.#node.run !== undefined;
  }

  get paused(): boolean {
    return this.#node.run?.actor.paused === true;
  }

  get run(): number {
    return this.#node.runs;
  }

  get effectInFlight(): boolean {
    return this.#node.run?.io.epoch !== undefined;
  }
}

export class LedgerView {
  readonly #node: SimNode;

  constructor(node: SimNode) {
    this.#node = node;
  }

  get ledgerId(): string {
    return this.#node.records.identity.ledgerId;
  }

  get promised(): NodeView['ledger']['promised'] {
    return this.#node.records.promised;
  }

  get operation(): NodeView['ledger']['operation'] {
    return this.#node.records.operation;
  }

  get records(): number {
    return this.#node.records.count;
  }
}

export class KubeletView {
  readonly #host: Host;
  readonly hold: Name;

  constructor(host: Host) {
    this.#host = host;
    this.hold = host.disk.hold;
  }

  get running(): boolean {
    return this.#host.kubelet.isActive;
  }

  get paused(): boolean {
    return this.#host.kubelet.actor?.paused === true;
  }

  get holdLoaded(): boolean {
    return this.#host.kubelet.holdLoaded;
  }

  get sawApi(): boolean {
    return this.#host.kubelet.sawApi;
  }
}
