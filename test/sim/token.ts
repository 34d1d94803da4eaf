import { Phase } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { FAULT_KINDS, type Fault, type FaultKind, type FaultScript } from './world/faults.ts';
import { SET_ASIDE, type SimPhase, simPhaseName } from './world/sim-phase.ts';

/** Names one simulated operation exactly: the run's seed, its number in the run, and its faults where they are not the seed's own. */
export interface Token {
  readonly seed: number;
  readonly index: number;
  readonly script: FaultScript | undefined;
}

/** The seed of one operation of a run. */
export function operationSeed({ seed, index }: Pick<Token, 'seed' | 'index'>): bigint {
  return (BigInt(seed) << 32n) | BigInt(index);
}

/**
 * "7.31", or with faults "7.31:power-loss@swap+3/1/42,…": kind, the phase and the number of events
 * after which it is armed, target, draw. Needs no quotes in a shell.
 */
export function tokenText({ seed, index, script }: Token): string {
  const name = `${seed}.${index}`;
  return script === undefined ? name : `${name}:${script.map(faultText).join(',')}`;
}

export function faultText({ kind, phase, after, target, draw }: Fault): string {
  return `${kind}@${simPhaseName(phase)}+${after}/${target}/${draw}`;
}

/** Throws where the text is none. */
export function parseToken(text: string): Token {
  const [name = '', faults] = text.split(':', 2);
  const [, seed, index] = /^(\d+)\.(\d+)$/.exec(name) ?? [];
  if (seed === undefined || index === undefined) {
    throw new Error(`${JSON.stringify(text)} is no token: one is SEED.NUMBER, or SEED.NUMBER:FAULT,…`);
  }
  const script = faults === undefined ? undefined : faults.split(',').filter(Boolean).map(parseFault);
  return { seed: Number(seed), index: Number(index), script };
}

const PHASES: ReadonlyMap<string, SimPhase> = new Map(
  [...Object.values(Phase), SET_ASIDE as SimPhase].flatMap((phase) =>
    typeof phase === 'number' && phase > 0 ? [[simPhaseName(phase), phase] as const] : [],
  ),
);

function parseFault(text: string): Fault {
  const [, kind, phase, after, target, draw] = /^([a-z-]+)@([a-z-]+)\+(\d+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  const known = PHASES.get(phase ?? '');
  if (known === undefined || !(FAULT_KINDS as readonly (string | undefined)[]).includes(kind)) {
    throw new Error(`${JSON.stringify(text)} is no fault: one is KIND@PHASE+AFTER/TARGET/DRAW`);
  }
  return {
    kind: kind as FaultKind,
    phase: known,
    after: Number(after),
    target: Number(target),
    draw: Number(draw),
  };
}
