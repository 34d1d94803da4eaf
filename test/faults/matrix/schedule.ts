import type { Stretch, Target } from './target.ts';

/** Points to kill at in one operation, each at one program or, where nobody knows whose turn it is, at each. */
export interface Batch {
  readonly kind: Kind;
  readonly kills: readonly { readonly target: Target; readonly at: readonly string[] }[];
}

/** A restore that goes through, and one that is made to fail at its gate. */
export type Kind = 'restore' | 'rollback';

/** How often one program may die in one stretch of one operation. In downtime it dies once. */
const AGENT_KILLS: Readonly<Record<Stretch, number>> = {
  start: 1,
  plan: 2,
  prepare: 2,
  downtime: 1,
  forward: 2,
  undo: 2,
};
/** A coordinator holds nothing that its death could spoil; but it takes a while to come back. */
const COORDINATOR_KILLS: Readonly<Record<Stretch, number>> = {
  start: 1,
  plan: 2,
  prepare: 4,
  downtime: 3,
  forward: 2,
  undo: 3,
};

/** Only the first node in the plan's order does this, whichever that is. */
const ON_FIRST_NODE = 'STEP_PREPARE_GATE';

export function kindOf(target: Target): Kind {
  return target.stretch === 'undo' ? 'rollback' : 'restore';
}

/**
 * Takes out of `waiting` what one operation can carry, the longest waiting first. One program is
 * killed in one step but once: a death that another hides would show nothing.
 */
export function nextBatch(
  waiting: Target[],
  programs: readonly string[],
  everywhere: ReadonlySet<Target>,
): Batch | undefined {
  const [first] = waiting;
  if (first === undefined) return undefined;
  const kind = kindOf(first);
  const kills: { target: Target; at: string[] }[] = [];
  const taken = new Map<string, { stretches: Stretch[]; steps: string[] }>(
    programs.map((program) => [program, { stretches: [], steps: [] }]),
  );
  // What a program crosses as it starts is reached by one that dies of something else before.
  const ordered = [...waiting].sort((a, b) => Number(a.stretch === 'start') - Number(b.stretch === 'start'));
  for (const target of ordered) {
    if (kindOf(target) !== kind) continue;
    const anywhere = everywhere.has(target) || target.point.step === ON_FIRST_NODE;
    const at = anywhere ? programs : programs.filter((program) => target.crossedBy.includes(program));
    const free = at.filter((program) => isFree(target, taken.get(program)));
    if (anywhere ? free.length < at.length : free.length === 0) continue;
    // Whoever has least to die of already.
    const [least] = free.sort(
      (a, b) => (taken.get(a)?.steps.length ?? 0) - (taken.get(b)?.steps.length ?? 0),
    );
    const chosen = anywhere ? [...at] : [least ?? ''];
    for (const program of chosen) {
      taken.get(program)?.stretches.push(target.stretch);
      taken.get(program)?.steps.push(stepKey(target));
    }
    kills.push({ target, at: chosen });
    waiting.splice(waiting.indexOf(target), 1);
  }
  if (kills.length === 0) throw new Error(`no program crosses ${first.name}`);
  return { kind, kills };
}

function isFree(
  target: Target,
  taken: { readonly stretches: readonly Stretch[]; readonly steps: readonly string[] } | undefined,
): boolean {
  if (taken === undefined) return false;
  const limit = (target.point.program === 'agent' ? AGENT_KILLS : COORDINATOR_KILLS)[target.stretch];
  if (taken.stretches.filter((stretch) => stretch === target.stretch).length >= limit) return false;
  if (target.stretch === 'start') return taken.steps.length > 0;
  return !taken.steps.includes(stepKey(target));
}

function stepKey({ point }: Target): string {
  return point.step === '' || point.port === 'journal'
    ? `${point.port}.${point.method}@${point.step}`
    : point.step;
}
