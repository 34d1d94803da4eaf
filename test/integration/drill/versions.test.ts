import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ProofKind, ProofLevel } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { locateAllEtcd } from '../../lab/tools/locate.ts';
import { DrillBench } from './drill-bench.ts';

describe.each(await locateAllEtcd())('a drill with etcd $version', (tools) => {
  it('restores a good snapshot, serves it as its card says, and leaves nothing', async () => {
    await using bench = await DrillBench.up(tools);
    const card = await bench.save();
    const steps = new Set<string>();
    const proof = await bench.drill(card.id, (step) => steps.add(step));
    console.log(`etcd ${tools.version}: ${proof.tookMs} ms, of which restoring ${proof.restoreMs} ms`);
    expect(proof).toMatchObject({
      kind: ProofKind.PROOF_KIND_DRILL,
      place: 'cp1',
      failure: undefined,
      level: ProofLevel.PROOF_LEVEL_SERVED,
      etcdVersion: tools.version,
      hashKvRevision: card.facts?.status?.revision,
      note: '',
    });
    // The live member holds the same: etcd itself says so.
    const live = await bench.member.hashKv(card.facts?.status?.revision ?? 0n, AbortSignal.timeout(20_000));
    expect(proof.hashKv).toBe(live.hash);
    expect([...steps]).toStrictEqual([
      'reading',
      'restoring',
      'reading what was restored',
      'starting etcd',
      'comparing',
      'cleaning up',
    ]);
    expect(
      existsSync(join(bench.stateDir, 'drills')) && readdirSync(join(bench.stateDir, 'drills')),
    ).toStrictEqual([]);
    expect(bench.marks).toMatchObject([
      { snapshotId: card.id, proofs: [{ level: ProofLevel.PROOF_LEVEL_SERVED }] },
    ]);
    expect(bench.audits).toMatchObject([{ command: `DrillSnapshot ${card.id}`, outcome: 'done' }]);
  });
});
