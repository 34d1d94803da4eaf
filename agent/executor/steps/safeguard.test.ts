import { systemClock } from '@lockstep/shared/clock.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { describe, expect, it } from 'vitest';
import type { GatherBefore } from '../../ports.ts';
import type { StepPorts } from '../step.ts';
import { Bench } from '../testing/bench.ts';
import { safeguard } from './safeguard.ts';

const PATH = '/var/lib/lockstep/operations/r-1/evidence.tar.zst';

async function evidenceOf(
  gatherBefore: GatherBefore,
  signal = new AbortController().signal,
  clock: StepPorts['clock'] = systemClock,
): Promise<unknown> {
  const bench = new Bench();
  const context = { ...bench.context, ports: { ...bench.ports, clock, gatherBefore } };
  const { detail } = await safeguard.perform(context, null, signal);
  // Whatever became of it, the step went on to its end.
  expect(bench.calls.some((call) => call.startsWith('hosting.prepareHold'))).toBe(true);
  return (detail as { evidence?: unknown }).evidence;
}

describe('evidence before a restore', () => {
  it('is told of in the ledger by its digest', async () => {
    const asked: unknown[] = [];
    const evidence = await evidenceOf(async (request) => {
      asked.push(request);
      return { sha256: 'e'.repeat(64), sizeBytes: 7 };
    });
    expect(evidence).toEqual({ path: PATH, sha256: 'e'.repeat(64), sizeBytes: 7 });
    expect(asked).toEqual([expect.objectContaining({ operationId: 'r-1', path: PATH })]);
  });

  it('that fails is told of, and done without', async () => {
    const evidence = await evidenceOf(async () => {
      throw new LockstepError('EVIDENCE_IN_PROGRESS', { message: 'busy' });
    });
    expect(evidence).toEqual({ code: 'EVIDENCE_IN_PROGRESS', message: 'busy' });
  });

  it('that fails at once, and not as a promise, is done without as well', async () => {
    const evidence = await evidenceOf(() => {
      throw new Error('broken');
    });
    expect(evidence).toMatchObject({ code: 'INTERNAL', message: 'broken' });
  });

  it('that never ends is not waited for', async () => {
    const hurried: StepPorts['clock'] = {
      ...systemClock,
      after: (_ms, call) => systemClock.after(0, call),
    };
    const evidence = await evidenceOf(() => new Promise(() => undefined), undefined, hurried);
    expect(evidence).toMatchObject({ code: 'EVIDENCE_FAILED' });
  });

  it('is nothing where nobody gathers it', async () => {
    const { detail } = await safeguard.perform(new Bench().context, null, new AbortController().signal);
    expect((detail as { evidence?: unknown }).evidence).toBeUndefined();
  });

  it('ends with the step, where that is ended', async () => {
    const ended = new AbortController();
    const step = evidenceOf(() => {
      ended.abort(new Error('the step has ended'));
      return new Promise(() => undefined);
    }, ended.signal);
    await expect(step).rejects.toThrow('the step has ended');
  });
});
