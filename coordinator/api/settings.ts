import type { Clock } from '@lockstep/shared/clock.ts';
import type { Logger } from '@lockstep/shared/logging.ts';
import type { Catalogue } from '../runner/catalogue.ts';
import type { Copying } from '../runner/copying.ts';
import type { SnapshotDrills } from '../runner/drills.ts';
import type { Gathering } from '../runner/gathering.ts';
import type { Keeping } from '../runner/keeping.ts';
import type { Operations } from '../runner/operations.ts';
import type { Planner } from '../runner/planner.ts';
import type { Agents, Leadership, Plans } from '../runner/ports.ts';
import type { Rejoins } from '../runner/rejoins.ts';
import type { Reverts } from '../runner/reverts.ts';
import type { Scheduler } from '../runner/scheduler.ts';
import type { Sealing } from '../runner/sealing.ts';
import type { Verifying } from '../runner/verifying.ts';

/** What the operator's calls are answered with. */
export interface OperatorServiceSettings {
  readonly cluster: string;
  readonly coordinatorId: string;
  readonly agents: Agents;
  readonly operations: Operations;
  readonly leadership: Leadership;
  readonly planner: Planner;
  readonly reverts: Reverts;
  readonly rejoins: Rejoins;
  readonly sealing: Sealing;
  readonly drills: Pick<SnapshotDrills, 'drill'>;
  readonly verifying: Verifying;
  readonly catalogue: Catalogue;
  readonly keeping: Keeping;
  readonly scheduler: Pick<Scheduler, 'status'>;
  readonly plans: Plans;
  readonly copying: Copying;
  readonly gathering: Gathering;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Resolves once this coordinator knows what is open; right after its start it does not. */
  readonly ready: () => Promise<void>;
  /** "connected", "not configured", "unreachable". */
  readonly natsStatus: () => string;
}
