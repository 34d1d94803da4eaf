import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { NodeReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { driftFields, driftSha256 } from '@lockstep/shared/plan/drift.ts';
import { describe, expect, it } from 'vitest';
import type { NodeContext, StepContext, StepHandler, StepOutcome } from '../step.ts';
import { Bench, benchPlan } from '../testing/bench.ts';
import { close } from './close.ts';
import { fenceApi } from './fence-api.ts';
import { reinspect } from './reinspect.ts';
import { safeguard } from './safeguard.ts';
import { startControllers } from './start-controllers.ts';
import { startKubelet } from './start-kubelet.ts';
import { undoStart } from './undo-start.ts';
import { undoStop } from './undo-stop.ts';
import { undoVerify } from './undo-verify.ts';

const signal = new AbortController().signal;
const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
const ALL = KUBERNETES.join(' ');

/** A control plane whose members are on other hosts. */
function bench(): Bench {
  return new Bench(
    benchPlan({
      nodes: [
        {
          node: 'cp1',
          ledgerId: 'L',
          staticPodPath: '/etc/kubernetes/manifests',
          hosting: 'static-pod',
          manifests: KUBERNETES.map((component) => ({ component, fileName: `${component}.yaml` })),
        },
      ],
    }),
  );
}

/** As the executor does it: who runs a step is the rule of who takes it. */
const perform = (handler: StepHandler, context: NodeContext): Promise<StepOutcome> =>
  handler.perform(context as StepContext, null, signal);

describe('a node without a member', () => {
  it('is safeguarded: no store is looked at, and there is a way back in words', async () => {
    const b = bench();
    const { detail } = await perform(safeguard, b.nodeContext);
    expect(detail).toMatchObject({ baseline: { serving: false }, apiReady: true });
    expect(b.calls.join('\n')).not.toMatch(/member\.|exchange/u);
    expect(b.calls.join('\n')).toContain('UNDO.txt');
  });

  it('is looked at again, with no NEW to prove', async () => {
    const b = bench();
    const report = NodeReport.fromPartial({ node: 'cp1' });
    b.on['describe'] = () => report;
    Object.assign(b.plan.nodes[0] ?? {}, { driftSha256: driftSha256(driftFields(report)) });
    const { result } = await perform(reinspect, b.nodeContext);
    expect(result?.failure).toBeUndefined();
    expect(b.calls).toEqual(['describe']);
  });

  it('is counted its bytes by the facts of the snapshot, as any other', async () => {
    const b = bench();
    b.on['describe'] = () => NodeReport.fromPartial({ node: 'cp1' });
    Object.assign(b.plan.snapshot ?? {}, { facts: undefined });
    await expect(perform(reinspect, b.nodeContext)).rejects.toMatchObject({ code: 'PLAN_UNKNOWN' });
  });

  it('is fenced like any other', async () => {
    const b = bench();
    await perform(fenceApi, b.nodeContext);
    expect(b.calls.map((call) => call.split(' ')[0])).toEqual([
      'hosting.holdKubelet',
      'hosting.parkManifests',
      'hosting.stopComponents',
      'hosting.proveStopped',
    ]);
  });

  it('starts its kubelet over nothing, unless somebody put a manifest back', async () => {
    const b = bench();
    await perform(startKubelet, b.nodeContext);
    expect(b.calls).toEqual([expect.stringMatching(/^hosting\.releaseKubelet/u)]);
    const opened = bench();
    opened.manifests = ['kube-apiserver'];
    await expect(perform(startKubelet, opened.nodeContext)).rejects.toMatchObject({ code: 'PLAN_DRIFTED' });
  });

  it('drops no leases, and keeps no OLD', async () => {
    const b = bench();
    await perform(startControllers, b.nodeContext);
    expect(b.calls.join('\n')).not.toContain('dropStaleMasterLeases');
    expect(await perform(close, b.nodeContext)).toEqual({ detail: {} });
  });
});

describe('undo on a node without a member', () => {
  const fenced = (): Bench => bench().did(Step.STEP_FENCE_API, { completion: {} });

  it('that was never fenced touches nothing', async () => {
    const b = bench();
    b.kubelet = { held: false, marked: false, active: true };
    b.manifests = [...KUBERNETES];
    expect(await perform(undoStop, b.nodeContext)).toMatchObject({ detail: { actions: [] } });
    expect(b.calls).toEqual([]);
  });

  it('stops an API server that somebody let in, before any member of OLD starts', async () => {
    const b = fenced().did(Step.STEP_START_KUBELET, { completion: {} });
    b.kubelet = { held: false, marked: false, active: true };
    b.manifests = ['kube-apiserver'];
    let running = true;
    b.on['hosting.holdKubelet'] = () => {
      b.kubelet = { held: true, marked: true, active: false };
    };
    b.on['hosting.parkManifests'] = () => {
      b.manifests = [];
    };
    b.on['hosting.stopComponents'] = () => {
      running = false;
    };
    b.on['hosting.proveStopped'] = () => {
      if (running) throw new LockstepError('STOP_UNPROVEN', { message: 'it runs' });
    };
    expect(await perform(undoStop, b.nodeContext)).toMatchObject({
      detail: { actions: ['hold-kubelet', 'park-manifests', 'stop-components'] },
    });
    expect(b.calls.join('\n')).not.toMatch(/stores\.|member\./u);
  });

  it('stops nothing again once OLD is on its way back', async () => {
    const b = fenced().did(Step.STEP_UNDO_STOP, { completion: {} }).did(Step.STEP_UNDO_START);
    b.kubelet = { held: false, marked: false, active: true };
    b.manifests = [...KUBERNETES];
    expect(await perform(undoStop, b.nodeContext)).toMatchObject({ detail: { actions: [] } });
  });

  it('returns kubelet, then the API server once the members serve, then the rest', async () => {
    const b = fenced().did(Step.STEP_UNDO_STOP, { completion: {} });
    b.on['hosting.releaseKubelet'] = () => {
      b.kubelet = { held: false, marked: false, active: true };
    };
    b.on['hosting.returnManifest'] = (_plan: never, component: never) => {
      b.manifests = [...b.manifests, component];
    };
    let asked = 0;
    b.on['hosting.etcdServes'] = () => (asked += 1) > 2;
    await perform(undoStart, b.nodeContext);
    expect(asked).toBe(3);
    expect(b.manifests.join(' ')).toBe(ALL);
    expect(b.calls.findIndex((call) => call.startsWith('hosting.releaseKubelet'))).toBeLessThan(
      b.calls.findIndex((call) => call.startsWith('hosting.etcdServes')),
    );
  });

  it('is verified by its API server, and removes nothing', async () => {
    const b = fenced().did(Step.STEP_SAFEGUARD, {
      completion: { baseline: { serving: false }, apiReady: true },
    });
    await perform(undoVerify, b.nodeContext);
    expect(b.calls).toEqual([expect.stringMatching(/^hosting\.waitApiReady/u)]);
    const unrecorded = fenced();
    await perform(undoVerify, unrecorded.nodeContext);
    expect(unrecorded.calls).toEqual([expect.stringMatching(/^hosting\.waitApiReady/u)]);
  });
});
