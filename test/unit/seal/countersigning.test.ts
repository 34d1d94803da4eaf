import { inspectedSnapshot, withDistrust } from '@lockstep/coordinator/runner/inspected-snapshot.ts';
import type { AgentClient, Agents } from '@lockstep/coordinator/runner/ports.ts';
import { Sealing, SealingAgents, type SealingMeans } from '@lockstep/coordinator/runner/sealing.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { SaveSnapshotResponse } from '@lockstep/shared/generated/lockstep/v1/agent.ts';
import { SnapshotVerdict } from '@lockstep/shared/generated/lockstep/v1/operator.ts';
import {
  type Revocation,
  type SealedCard,
  SnapshotCard,
  SnapshotFacts,
  StoredSnapshot,
} from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { createLogger } from '@lockstep/shared/logging.ts';
import { judgeSeals, sealCard } from '@lockstep/shared/seal/judge.ts';
import { sealRevocation, unionOf } from '@lockstep/shared/seal/revocations.ts';
import type { SigningIdentity } from '@lockstep/shared/seal/seal.ts';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NOW_MS, SignerAuthority } from './signers.ts';

const SHA256 = 'ab'.repeat(32);
let authority: SignerAuthority;
let agent: SigningIdentity;
let coordinator: SigningIdentity;

beforeAll(async () => {
  authority = await SignerAuthority.create('lab');
  agent = await authority.signer('agent', 'cp1');
  coordinator = await authority.signer('coordinator', 'c1');
});

const FACTS = SnapshotFacts.fromPartial({
  fileSha256: SHA256,
  contentSha256: SHA256,
  fileSizeBytes: 10n,
  status: { revision: 3n },
});
const CARD = SnapshotCard.fromPartial({
  id: 's-1',
  cluster: 'lab',
  node: 'cp1',
  takenAt: new Date(NOW_MS).toISOString(),
  facts: FACTS,
});
const half = (card = CARD, signedMs = NOW_MS): SealedCard =>
  sealCard({ card, sealed: undefined }, agent, signedMs);
const stored = (sealed: SealedCard | undefined, card = CARD): StoredSnapshot =>
  StoredSnapshot.fromPartial({ card, node: 'cp1', ...(sealed === undefined ? {} : { sealed }) });

/** What a coordinator's programs know in memory, and two agents that it speaks to. */
let own: Revocation[];
let known: Map<string, Revocation[] | undefined>;
let sealedBy: { snapshotId: string }[];
let saved: StoredSnapshot;
let identity: () => Promise<SigningIdentity>;

beforeEach(() => {
  own = [];
  known = new Map([
    ['cp1', []],
    ['cp2', []],
  ]);
  sealedBy = [];
  saved = stored(half());
  identity = async () => coordinator;
});

function client(node: string): AgentClient {
  const heard = (): Revocation[] => {
    const list = known.get(node);
    if (list === undefined) throw new LockstepError('UNREACHABLE', { node });
    return list;
  };
  return {
    node,
    address: `${node}:7443`,
    async *saveSnapshot(): AsyncGenerator<SaveSnapshotResponse> {
      yield { event: { $case: 'progress', value: { step: 'saving', doneBytes: 1n, totalBytes: 2n } } };
      yield { event: { $case: 'snapshot', value: saved } };
    },
    sealSnapshot: async ({ snapshotId, seal }) => {
      sealedBy.push({ snapshotId });
      const { sealed } = saved;
      if (sealed === undefined || seal === undefined) throw new Error('nothing to seal');
      return { ...saved, sealed: { ...sealed, seals: [...sealed.seals, seal] } };
    },
    getRevocations: async () => heard(),
    setRevocations: async (revocations) => {
      known.set(node, unionOf(heard(), revocations));
      return heard();
    },
  } as Partial<AgentClient> as AgentClient;
}

function sealing(): { sealing: Sealing; agents: Agents } {
  const clients = ['cp1', 'cp2'].map(client);
  const plain: Agents = {
    known: () => clients,
    client: ({ node }) => clients.find((each) => each.node === node) as AgentClient,
  };
  const means: SealingMeans = {
    identity: () => identity(),
    authorities: async () => [authority.authority],
    report: async () => ({ signer: '', validUntil: '', problem: '' }),
    revocations: {
      read: async () => own,
      add: async (more) => {
        own = unionOf(own, more);
        return own;
      },
    },
  };
  const clock = {
    nowMs: () => NOW_MS,
    deadline: (_ms: number, signal?: AbortSignal) => signal ?? new AbortController().signal,
  };
  const made = new Sealing({
    cluster: 'lab',
    agents: plain,
    means,
    clock: clock as never,
    logger: createLogger('test', 'silent'),
  });
  return { sealing: made, agents: new SealingAgents(plain, made) };
}

async function save(): Promise<StoredSnapshot> {
  const { agents } = sealing();
  const saving = agents
    .client({ node: 'cp1', address: '' })
    .saveSnapshot({} as never, new AbortController().signal);
  const events: string[] = [];
  let snapshot: StoredSnapshot | undefined;
  for await (const { event } of saving) {
    events.push(event?.$case ?? '');
    if (event?.$case === 'snapshot') snapshot = event.value;
  }
  expect(events).toEqual(['progress', 'snapshot']);
  if (snapshot === undefined) throw new Error('no snapshot');
  return snapshot;
}

const trust = (revocations: Revocation[] = []) => ({ authorities: [authority.authority], revocations });
const withdrawn = (signer = 'lockstep://lab/agent/cp1', since = NOW_MS, by = coordinator): Revocation =>
  sealRevocation({ signer, since: new Date(since).toISOString(), reason: 'r', by: 'b', at: 'a' }, by, NOW_MS);

describe('what an agent saves for a coordinator', () => {
  it('is countersigned as it arrives, and trusted', async () => {
    const snapshot = await save();
    expect(snapshot.trust).toEqual({
      signers: ['lockstep://lab/agent/cp1', 'lockstep://lab/coordinator/c1'],
      distrust: [],
    });
    expect(judgeSeals(snapshot.sealed, trust())).toEqual([]);
    expect(sealedBy).toEqual([{ snapshotId: 's-1' }]);
  });

  it.each<[string, () => void, RegExp]>([
    ['the agent has not sealed it', () => (saved = stored(undefined)), /bears no seal/],
    ['its card is of another node', () => (saved = stored(half({ ...CARD, node: 'cp2' }))), /cp2/],
    [
      'its card says not which bytes it is of',
      () => (saved = stored(half({ ...CARD, facts: undefined }))),
      /which bytes/,
    ],
    ['the agent’s clock is off', () => (saved = stored(half(CARD, NOW_MS - 6 * 60_000))), /signed at/],
    ['the agent is not trusted any more', () => (own = [withdrawn()]), /not trusted since/],
    [
      'the coordinator has no key',
      () => {
        identity = () => Promise.reject(new LockstepError('SIGNING_IDENTITY_MISSING', { message: 'no key' }));
      },
      /SIGNING_IDENTITY_MISSING: no key/,
    ],
    [
      'the card is another than the sealed one',
      () => {
        const { seals } = half({ ...CARD, reason: 'another' });
        saved = stored({ ...half(), seals });
      },
      /CARD_SEAL_INVALID/,
    ],
  ])('is kept unsealed, and says why, where %s', async (_name, change, words) => {
    change();
    const snapshot = await save();
    expect(snapshot.trust?.distrust).toMatchObject([{ code: 'CARD_UNSEALED' }]);
    expect(snapshot.trust?.distrust[0]?.message).toMatch(words);
    expect(sealedBy).toEqual([]);
    expect(snapshot.card?.id).toBe('s-1');
  });

  it('goes through the same client each time', () => {
    const { agents } = sealing();
    const at = { node: 'cp1', address: '' };
    expect(agents.client(at)).toBe(agents.client(at));
  });
});

describe('revocations', () => {
  const signal = new AbortController().signal;

  it('are the union of all who answer, and everybody is told what they lacked', async () => {
    const [one, other] = [withdrawn(), withdrawn('lockstep://lab/agent/cp2')];
    known.set('cp2', [one]);
    own = [other];
    const { revocations, failures } = await sealing().sealing.revocations(signal);
    expect(revocations).toEqual([one, other]);
    expect(failures).toEqual([]);
    expect(own).toEqual([one, other]);
    expect(known.get('cp1')).toEqual([one, other]);
    expect(known.get('cp2')).toEqual([one, other]);
  });

  it('count although an agent is away, which is said', async () => {
    known.set('cp1', undefined);
    const { revocations, failures } = await sealing().sealing.revoke(withdrawn(), signal);
    expect(revocations).toHaveLength(1);
    expect(failures).toMatchObject([{ code: 'UNREACHABLE', node: 'cp1' }]);
    expect(known.get('cp2')).toHaveLength(1);
  });

  it('of an agent’s own making are passed over, so that a suspect host withdraws nobody’s trust', async () => {
    known.set('cp1', [withdrawn('lockstep://lab/agent/cp2', 0, agent), { ...withdrawn(), seal: undefined }]);
    const { revocations } = await sealing().sealing.revocations(signal);
    expect(revocations).toEqual([]);
    expect(own).toEqual([]);
  });
});

describe('a snapshot on several nodes', () => {
  const holding = (node: string, snapshot: StoredSnapshot) => ({
    client: { node, address: `${node}:7443` } as AgentClient,
    snapshot: { ...snapshot, node },
  });
  const verdict = (node: string, facts = FACTS) => SnapshotVerdict.fromPartial({ node, facts });

  it('has the card that is trusted, whoever holds another, and no source with other bytes or forged seals', async () => {
    const good = await save();
    const { sealed } = good;
    if (sealed === undefined) throw new Error('not sealed');
    const forged = stored({ ...sealed, cardJson: sealed.cardJson.replace('"s-1"', '"s-1","reason":"x"') });
    const inspected = inspectedSnapshot(
      's-1',
      [holding('cp1', forged), holding('cp2', stored(undefined)), holding('cp3', good), holding('cp4', good)],
      [verdict('cp1'), verdict('cp2'), verdict('cp3'), verdict('cp4', { ...FACTS, fileSha256: 'ff' })],
      trust(),
    );
    expect(inspected).toMatchObject({ card: CARD, sealed, distrust: [] });
    expect(inspected.copies.map(({ node, refusals }) => [node, ...refusals.map(({ code }) => code)])).toEqual(
      [['cp1', 'CARD_SEAL_INVALID'], ['cp2'], ['cp3'], ['cp4', 'SNAPSHOT_CARD_MISMATCH']],
    );
    expect(inspected.copies.map(({ address }) => address)).toEqual([
      'cp1:7443',
      'cp2:7443',
      'cp3:7443',
      'cp4:7443',
    ]);
  });

  it('is distrusted as the first is where nobody’s card is trusted', () => {
    const holders = [holding('cp1', stored(undefined))];
    const inspected = inspectedSnapshot('s-1', holders, [verdict('cp1')], trust());
    expect(inspected.distrust).toMatchObject([{ code: 'CARD_UNSEALED' }]);
    expect(inspected.copies).toMatchObject([{ node: 'cp1', refusals: [] }]);
    expect(withDistrust([verdict('cp1')], holders, trust())).toMatchObject([
      { node: 'cp1', refusals: [{ code: 'CARD_UNSEALED', node: 'cp1' }] },
    ]);
  });

  it('is nowhere where nobody has it', () => {
    expect(inspectedSnapshot('s-1', [], [], trust())).toMatchObject({
      id: 's-1',
      card: undefined,
      sealed: undefined,
      distrust: [],
      copies: [],
    });
  });
});
