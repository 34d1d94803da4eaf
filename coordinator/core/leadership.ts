/**
 * Who leads among coordinators, decided from one shared value that is only ever replaced by who
 * saw what was there (compare and set). Pure; time is the coordinator's own monotonic clock.
 *
 * Invariants:
 * - A leader stops believing that it leads LEAD_MS after it asked for the renewal that succeeded
 *   last; another takes the lead only LEASE_MS after it first saw that renewal, which is later.
 * - Nobody replaces a value that it has not seen, so a renewal on its way makes a taker fail.
 * What is decided here is a hint all the same: a paused process believes for an instant what was
 * true before, and a value may be rewound. The agents' fence is what protects.
 */

/** Another takes the lead from who has not renewed it for this long. */
export const LEASE_MS = 5_000;
/** Who has not renewed it for this long stops acting: earlier, for clocks that do not run alike. */
export const LEAD_MS = 4_000;
export const RENEW_EVERY_MS = 900;
/** After the store was away, who led gets this long to renew before another takes the lead. */
export const RETURN_GRACE_MS = 1_500;
/** Who has reached no agent for this long leaves the lead to one that may. */
export const UNREACHED_MS = 3_000;

/** What the store holds. */
export interface LeaderRecord {
  readonly coordinator: string;
  /** One run of the program: a restarted coordinator is another. */
  readonly run: string;
  /** "HOST:PORT" for operators; empty where it is not known. */
  readonly address: string;
  /** Given up: whoever sees it first may take it. */
  readonly released: boolean;
}

export interface LeaseState {
  readonly self: Omit<LeaderRecord, 'released'>;
  /** What the store was last seen to hold, and when it was first seen so; revision 0 where it held nothing. */
  readonly seen:
    | { readonly record: LeaderRecord | undefined; readonly revision: number; readonly sinceMs: number }
    | undefined;
  /** False: somebody may have written since. */
  readonly current: boolean;
  /** Until when this run leads; undefined where it does not. */
  readonly leadsUntilMs: number | undefined;
  /** When it asked for its last renewal that succeeded. */
  readonly renewedMs: number | undefined;
  /** Since when every question to the store was answered; undefined where the last was not. */
  readonly answeringSinceMs: number | undefined;
  /** Since when no agent answered; undefined where one did, or none was asked. */
  readonly unreachedSinceMs: number | undefined;
  /** Since when no question to the store was answered; undefined where the last one was. */
  readonly unansweredSinceMs: number | undefined;
  /** It was asked all the time for as long as anybody's lead lasts, and did not answer. */
  readonly silent: boolean;
  /** It has seen or done more here than what a run before this one left. */
  readonly settledIn: boolean;
}

export type LeaseEvent =
  | { readonly kind: 'read'; readonly record: LeaderRecord | undefined; readonly revision: number }
  /** `record` is in the store now. `askedMs`: before it was sent. */
  | {
      readonly kind: 'written';
      readonly record: LeaderRecord;
      readonly revision: number;
      readonly askedMs: number;
    }
  /** Somebody else wrote since the store was read. */
  | { readonly kind: 'outrun' }
  /** No answer: what was written may be there or not. */
  | { readonly kind: 'unanswered' }
  | { readonly kind: 'reached'; readonly anyAgent: boolean };

export type LeaseWish =
  | { readonly do: 'read' }
  /** Only where the store's revision is the expected one; 0: only where it holds nothing. */
  | { readonly do: 'write'; readonly record: LeaderRecord; readonly expectedRevision: number }
  | { readonly do: 'nothing' };

export function newLease(self: LeaseState['self']): LeaseState {
  return {
    self,
    unansweredSinceMs: undefined,
    silent: false,
    seen: undefined,
    current: false,
    leadsUntilMs: undefined,
    renewedMs: undefined,
    answeringSinceMs: undefined,
    unreachedSinceMs: undefined,
    settledIn: false,
  };
}

export function afterLeaseEvent(state: LeaseState, event: LeaseEvent, nowMs: number): LeaseState {
  switch (event.kind) {
    case 'read': {
      const same = state.seen !== undefined && state.seen.revision === event.revision;
      const next: LeaseState = {
        ...state,
        seen: {
          record: event.record,
          revision: event.revision,
          sinceMs: same ? (state.seen?.sinceMs ?? nowMs) : nowMs,
        },
        current: true,
        answeringSinceMs: state.answeringSinceMs ?? nowMs,
        ...ANSWERED,
        settledIn: state.settledIn || event.record?.coordinator !== state.self.coordinator,
      };
      return isOwn(next) ? next : withoutLead(next);
    }
    case 'written': {
      const next: LeaseState = {
        ...state,
        seen: { record: event.record, revision: event.revision, sinceMs: nowMs },
        current: true,
        answeringSinceMs: state.answeringSinceMs ?? nowMs,
        ...ANSWERED,
        settledIn: true,
      };
      if (event.record.released) return withoutLead(next);
      return { ...next, renewedMs: event.askedMs, leadsUntilMs: event.askedMs + LEAD_MS };
    }
    case 'outrun':
      return withoutLead({ ...state, ...ANSWERED, current: false, settledIn: true });
    case 'unanswered': {
      const unansweredSinceMs = state.unansweredSinceMs ?? nowMs;
      // Told by questions, not by the clock: a process that was paused has asked nothing meanwhile.
      const silent = nowMs - unansweredSinceMs >= LEASE_MS;
      return { ...state, current: false, answeringSinceMs: undefined, unansweredSinceMs, silent };
    }
    case 'reached':
      return {
        ...state,
        unreachedSinceMs: event.anyAgent ? undefined : (state.unreachedSinceMs ?? nowMs),
      };
    default:
      return event satisfies never;
  }
}

/** What to do to the store next. Called again after each event, and every so often. */
export function leaseWish(state: LeaseState, nowMs: number): LeaseWish {
  const { seen } = state;
  if (seen === undefined || !state.current) return { do: 'read' };
  const write = (released: boolean): LeaseWish => ({
    do: 'write',
    record: { ...state.self, released },
    expectedRevision: seen.revision,
  });
  if (isOwn(state)) {
    if (isUnreached(state, nowMs)) return write(true);
    const due = state.renewedMs === undefined || nowMs - state.renewedMs >= RENEW_EVERY_MS;
    return due ? write(false) : { do: 'nothing' };
  }
  if (mayTake(state, nowMs)) return write(false);
  return { do: 'read' };
}

/** The value that gives the lead up; undefined where this run does not have it. */
export function leaseRelease(state: LeaseState): Extract<LeaseWish, { do: 'write' }> | undefined {
  if (state.seen === undefined || !isOwn(state)) return undefined;
  return {
    do: 'write',
    record: { ...state.self, released: true },
    expectedRevision: state.seen.revision,
  };
}

/** This run leads, as of now. */
export function leads(state: LeaseState, nowMs: number): boolean {
  return state.leadsUntilMs !== undefined && nowMs < state.leadsUntilMs;
}

/** Another run that leads, as far as is known. Nobody, once it was silent for a lease, or the store was. */
export function otherLeader(state: LeaseState, nowMs: number): LeaderRecord | undefined {
  const { seen } = state;
  if (seen?.record === undefined || seen.record.released || isOwn(state)) return undefined;
  return nowMs - seen.sinceMs < LEASE_MS ? seen.record : undefined;
}

const ANSWERED = { unansweredSinceMs: undefined, silent: false } as const;

function mayTake(state: LeaseState, nowMs: number): boolean {
  const { seen, self } = state;
  if (seen === undefined || isUnreached(state, nowMs)) return false;
  if (seen.record === undefined || seen.record.released) return true;
  // This coordinator's own run before this one is dead. Only at the start: two programs that were
  // given one name by mistake do not take the lead from each other without end.
  if (!state.settledIn && seen.record.coordinator === self.coordinator) return true;
  const answering = state.answeringSinceMs !== undefined && nowMs - state.answeringSinceMs >= RETURN_GRACE_MS;
  return answering && nowMs - seen.sinceMs >= LEASE_MS;
}

function isOwn({ seen, self }: LeaseState): boolean {
  return seen?.record !== undefined && seen.record.run === self.run && !seen.record.released;
}

function isUnreached({ unreachedSinceMs }: LeaseState, nowMs: number): boolean {
  return unreachedSinceMs !== undefined && nowMs - unreachedSinceMs >= UNREACHED_MS;
}

function withoutLead(state: LeaseState): LeaseState {
  return { ...state, leadsUntilMs: undefined, renewedMs: undefined };
}
