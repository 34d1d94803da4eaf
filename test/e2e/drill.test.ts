import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import { replaceAfter, snapshotFiles, withAlteredSnapshot } from './support/alter-snapshot.ts';
import { planRestore, put, type Said, saidBy, saveSnapshot } from './support/cluster.ts';

const COMMAND_TIMEOUT_MS = 120_000;

interface SaidProof extends Said {
  readonly proof: { readonly level: string; readonly place: string; readonly restoreMs: number };
}

/** From the command line through coordinator and agent to etcd and back, on one node. */
describe('drills', () => {
  let lab: Lab;
  let snapshot: string;

  beforeAll(async () => {
    lab = await Lab.up({ nodes: 1 });
    await put(lab, '/registry/configmaps/default/deed', 'good');
    snapshot = await saveSnapshot(lab);
  });
  afterAll(async () => {
    await lab?.down();
  });

  async function lockstep(...args: string[]): Promise<{ exit: number; said: Said; table: string }> {
    const ended = await lab.lockstep([...args, '-o', 'json'], { timeoutMs: COMMAND_TIMEOUT_MS });
    const shown = await lab.lockstep(['drill', 'list'], { timeoutMs: COMMAND_TIMEOUT_MS });
    return { exit: ended.exitCode, said: saidBy(ended), table: shown.stdout };
  }

  it('prove the newest snapshot, and the list says when, how, and how long a restore took', async () => {
    const { exit, said, table } = await lockstep('drill', 'run');
    expect(exit).toBe(0);
    const { proof } = said as SaidProof;
    expect(proof).toMatchObject({ level: 'served', place: 'cp1' });
    console.log(table);
    expect(table).toMatch(new RegExp(`${snapshot}.*restored and served +cp1 +[\\d.]+ m?s`));
    const drills = lab.nodes[0]?.path('/var/lib/lockstep/drills') ?? '';
    expect(existsSync(drills) && readdirSync(drills)).toStrictEqual([]);
  });

  it('that find a bad snapshot say so with 8, mark it, and a plan refuses it until it is proven good', async () => {
    const files = snapshotFiles(lab, snapshot);
    await withAlteredSnapshot(
      files,
      (bytes) => replaceAfter(bytes, '/registry/configmaps/default/deed', 'good', 'evil'),
      { trailer: true, card: false },
      async () => {
        const { exit, said, table } = await lockstep('drill', 'run', snapshot);
        expect(exit).toBe(8);
        expect(said.code).toBe('SNAPSHOT_CARD_MISMATCH');
        expect(table).toContain(`${snapshot} is BAD, as was found on cp1`);
      },
    );
    // The bytes are right again; what the last proof found still stands.
    const refused = await planRestore(lab, snapshot);
    expect(refused.exitCode).toBe(5);
    expect(refused.said['refusals']).toMatchObject([{ code: 'SNAPSHOT_PROVEN_BAD' }]);
    const overridden = await planRestore(
      lab,
      snapshot,
      '--override',
      'SNAPSHOT_PROVEN_BAD=looked at it myself',
    );
    expect(overridden.exitCode).toBe(0);
    expect((await lockstep('drill', 'run', snapshot)).exit).toBe(0);
    expect((await planRestore(lab, snapshot)).exitCode).toBe(0);
  });

  it('are not run on a node that there is not, nor of a snapshot that nobody holds', async () => {
    expect(await lockstep('drill', 'run', '--node', 'cp9')).toMatchObject({
      exit: 5,
      said: { code: 'NODE_MISSING' },
    });
    const nowhere = await lockstep('drill', 'run', 's-20260101-000000-nowhere');
    expect(nowhere.exit).toBe(5);
  });

  it('and a verify writes what it found beside each copy', async () => {
    const { exit, said } = await lockstep('snapshot', 'verify', snapshot);
    expect(exit).toBe(0);
    expect(said['verdicts']).toMatchObject([{ node: 'cp1', refusals: [] }]);
    const { said: listed } = await lockstep('drill', 'list');
    const [first] = listed['snapshots'] as { proofs: { kind: string }[] }[];
    expect(first?.proofs.at(-1)).toMatchObject({ kind: 'verify', level: 'read' });
  });
});
