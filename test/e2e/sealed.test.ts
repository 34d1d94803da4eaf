import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Lab } from '../lab/lab.ts';
import {
  replaceAfter,
  type SnapshotFiles,
  snapshotFiles,
  withAlteredSnapshot,
} from './support/alter-snapshot.ts';
import {
  planRestore,
  put,
  type Said,
  type SaidRefusal,
  saidBy,
  saveSnapshot,
  waitAgents,
} from './support/cluster.ts';
import { approve, runPlan, servedValue } from './support/left-out.ts';
import { loadObjects } from './support/objects.ts';

const KEY = '/registry/configmaps/default/deed';

/** What a restore takes of a card's seals, through the whole command, with real keys and files. */
describe('a sealed snapshot', () => {
  let lab: Lab;
  let snapshot: string;
  let files: SnapshotFiles;

  beforeAll(async () => {
    lab = await Lab.up({ nodes: 1 });
    await loadObjects(lab);
    await put(lab, KEY, 'good');
    snapshot = await saveSnapshot(lab);
    files = snapshotFiles(lab, snapshot);
    await put(lab, KEY, 'bad');
  });
  afterAll(async () => lab?.down());

  const lockstep = async (...args: string[]): Promise<Said & { exitCode: number }> => {
    const ended = await lab.lockstep([...args, '-o', 'json'], { timeoutMs: 120_000 });
    return { ...saidBy(ended), exitCode: ended.exitCode };
  };
  const codesOf = (said: Record<string, unknown>): string[] =>
    (said['refusals'] as SaidRefusal[]).map(({ code }) => code);
  const planned = async (...args: string[]): Promise<string[]> =>
    codesOf((await planRestore(lab, snapshot, ...args)).said);
  /** The card of the snapshot, for as long as `during` takes. */
  async function withCard(
    change: (file: { card: object; seals: object[] }) => object,
    during: () => Promise<void>,
  ): Promise<void> {
    const text = readFileSync(files.card, 'utf8');
    writeFileSync(files.card, JSON.stringify(change(JSON.parse(text))));
    try {
      await during();
    } finally {
      writeFileSync(files.card, text);
    }
  }

  it('is sealed by its agent and the coordinator, and says so', async () => {
    const shown = await lockstep('snapshot', 'show', snapshot);
    expect(shown).toMatchObject({
      holders: [
        {
          trust: {
            signers: [
              `lockstep://${lab.clusterName}/agent/cp1`,
              `lockstep://${lab.clusterName}/coordinator/coordinator-1`,
            ],
            distrust: [],
          },
        },
      ],
    });
    expect(await planned()).toEqual([]);
  });

  it('is refused with other bytes, whatever was made to fit them', async () => {
    const evil = (bytes: Buffer): Buffer => replaceAfter(bytes, KEY, 'good', 'evil');
    await withAlteredSnapshot(files, evil, { trailer: true, card: false }, async () => {
      expect(await planned()).toContain('SNAPSHOT_CARD_MISMATCH');
      // Nothing overrides that, and nobody approves it.
      expect(await planned('--override', 'SNAPSHOT_CARD_MISMATCH=I know')).toContain(
        'SNAPSHOT_CARD_MISMATCH',
      );
    });
    await withAlteredSnapshot(files, evil, { trailer: true, card: true }, async () => {
      expect(await planned()).toEqual(['CARD_SEAL_INVALID']);
    });
    expect(await planned()).toEqual([]);
  });

  it('is refused with another card, or half its seals', async () => {
    await withCard(
      ({ card, seals }) => ({ card: { ...card, reason: 'another' }, seals }),
      async () => expect(await planned()).toEqual(['CARD_SEAL_INVALID']),
    );
    await withCard(
      ({ card, seals }) => ({ card, seals: seals.slice(0, 1) }),
      async () => expect(await planned()).toEqual(['CARD_UNSEALED']),
    );
    await withCard(
      ({ card }) => card,
      async () => expect(await planned()).toEqual(['CARD_UNSEALED']),
    );
  });

  it('is not trusted any more once its node is not, and every agent keeps that', async () => {
    const reason = 'its disk was read';
    const revoked = await lockstep(
      'trust',
      'revoke',
      'cp1',
      '--since',
      '2020-01-01T00:00:00Z',
      '--reason',
      reason,
    );
    expect(revoked, JSON.stringify(revoked)).toMatchObject({ withdrawnSnapshotIds: [snapshot], exitCode: 0 });
    expect(await planned()).toEqual(['SIGNER_REVOKED']);

    // A coordinator that has lost all it had learns it again.
    await lab.coordinator.stop();
    rmSync(join(lab.directory, 'coordinator/state/revocations.json'));
    await lab.coordinator.start();
    await waitAgents(lab);
    expect(await lockstep('trust', 'list')).toMatchObject({
      revocations: [{ signer: `lockstep://${lab.clusterName}/agent/cp1`, reason }],
    });
    expect(await planned()).toEqual(['SIGNER_REVOKED']);
  });

  it('of a node that is not trusted is not countersigned', async () => {
    const saved = await lockstep('snapshot', 'save');
    expect(saved).toMatchObject({ snapshot: { trust: { distrust: [{ code: 'CARD_UNSEALED' }] } } });
  });

  it('is restored nevertheless where one person has a reason and another approves', async () => {
    const { said } = await planRestore(
      lab,
      snapshot,
      '--override',
      'SIGNER_REVOKED=it was taken before the theft',
    );
    expect(said, JSON.stringify(said)).toMatchObject({
      outcome: 'planned',
      plan: { approvalNeeds: [{ code: 'SIGNER_REVOKED' }] },
    });
    const { operationId } = said;
    expect((await runPlan(lab, operationId)).said).toMatchObject({ code: 'APPROVAL_MISSING' });
    expect((await approve(lab, operationId, 'alice')).said).toMatchObject({ code: 'APPROVAL_BY_PLANNER' });
    expect((await approve(lab, operationId)).said).toMatchObject({ outcome: 'approved' });
    const ran = await runPlan(lab, operationId);
    expect(ran.said, JSON.stringify(ran.said)).toMatchObject({ outcome: 'restored' });
    expect(await servedValue(lab, lab.node('cp1'), KEY)).toBe('good');
  });

  it('is taken without a key too, unsealed, and doctor says whose is missing', async () => {
    const key = lab.node('cp1').path('/etc/lockstep/tls/signing.key');
    renameSync(key, `${key}.away`);
    try {
      const saved = await lockstep('snapshot', 'save');
      expect(saved).toMatchObject({ exitCode: 0, snapshot: { trust: { signers: [] } } });
      const { checks } = (await lockstep('doctor')) as unknown as {
        checks: { name: string; code: string }[];
      };
      expect(checks.filter(({ code }) => code === 'SIGNING_IDENTITY_MISSING')).toMatchObject([
        { name: 'node cp1' },
      ]);
    } finally {
      renameSync(`${key}.away`, key);
    }
  });
});
