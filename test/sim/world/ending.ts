import { isEnded } from '@lockstep/agent/core/operation.ts';
import { Outcome } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { EndOfOperation } from './view.ts';
import type { SimWorld } from './world.ts';

/** More than any operation of which a person would still wait for the end. */
const LONGEST_MS = 6 * 3_600_000;
const MOST_EVENTS = 100_000;
const LOOK_EVERY_MS = 3_000;
/** What waits for a person is over when nothing has moved for this long. */
const QUIET_MS = 40_000;
/** Who was left out and is back is looked at in turn, and again where that failed. */
const SET_ASIDE_QUIET_MS = 120_000;

/** When a simulated operation is over, and as what: not before every fault is made good and everybody has come to rest. */
export class Ending {
  end: EndOfOperation | undefined;
  readonly #world: SimWorld;
  #said: { readonly outcome: Outcome; readonly code: string } | undefined;
  #movedMs = 0;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  begin(): void {
    this.#world.scheduler.at(LOOK_EVERY_MS, undefined, 'end', 'over?', -1, -1, () => {
      this.#endIfOver();
      this.begin();
    });
  }

  /** Something happened after which others have to be given their time. */
  moved(): void {
    this.#movedMs = this.#world.nowMs;
  }

  /** A coordinator says how it ended; what is said last counts. */
  say(outcome: Outcome, code: string): void {
    this.#said = { outcome, code };
  }

  /** A coordinator has said how it ended. */
  get isSaid(): boolean {
    return this.#said !== undefined;
  }

  /** What never comes to an end is ended, as what did not. */
  boundIt(): void {
    const { events, nowMs } = this.#world;
    if (events >= MOST_EVENTS || nowMs >= LONGEST_MS) this.#finish(false);
  }

  #endIfOver(): void {
    const { coordinators, nodes, injection, people, isKnown } = this.#world;
    if (this.end !== undefined || injection.isHealing) return;
    if (coordinators.some((each) => each.run_?.operations.isBusy === true)) return;
    if (coordinators.some((each) => !each.up || each.paused)) return;
    const there = nodes.filter(({ gone }) => !gone);
    if (there.some((node) => node.run === undefined || node.run.actor.paused)) return;
    const isOpen = nodes.some(
      ({ records: { operation } }) => operation !== undefined && !isEnded(operation.phase),
    );
    if (this.#said !== undefined) {
      if (this.#hasComeToRest(this.#said.outcome, isOpen)) this.#finish(true);
    } else if (!isOpen && people.hasGivenUp && !isKnown) {
      this.say(Outcome.OUTCOME_REFUSED, people.refused);
      this.#finish(true);
    }
  }

  #hasComeToRest(outcome: Outcome, isOpen: boolean): boolean {
    const { nodes, nowMs, planned } = this.#world;
    const isQuiet = nowMs - this.#movedMs >= (planned.shape.leftOut === 0 ? QUIET_MS : SET_ASIDE_QUIET_MS);
    if (outcome === Outcome.OUTCOME_NEEDS_OPERATOR) return isQuiet;
    const isRestored = outcome === Outcome.OUTCOME_RESTORED;
    // A member that has just crashed is started again by kubelet.
    const isUp = nodes.every(({ gone, host, leftOut, records }) => {
      if (gone) return true;
      if (leftOut && isRestored) return records.operation?.phase === 'closed';
      // A broken OLD is never up; NEW always is.
      return (host.oldBroken && !isRestored) || host.etcds.some((etcd) => etcd.serving);
    });
    return !isOpen && (isUp || isQuiet);
  }

  #finish(quiet: boolean): void {
    if (this.end !== undefined) return;
    this.end = { outcome: quiet ? this.#said?.outcome : undefined, code: this.#said?.code ?? '', quiet };
  }
}
