import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import { describe, expect, it } from 'vitest';
import { at, etcdOf, planned, type Scene } from './testing/plan-scene.ts';

const failed = (code: string) => ({ code, node: '', message: code, cure: '', causes: [] });
const oldTools = (s: Scene): void => {
  for (const each of s.reports) each.tools = [{ ...each.tools[0], version: '3.5.9' } as never];
};
const with1 = (change: (s: Scene) => unknown, code: string, reason: string) => (s: Scene) => {
  change(s);
  s.input = { ...s.input, overrides: [{ code, reason }] };
};

describe('an override', () => {
  it('is of the code that is objected to, with a reason', () => {
    const codes = (change: (s: Scene) => unknown): string[] =>
      planned(change).refusals.map(({ code }) => code);
    expect(codes(with1(oldTools, 'BUMP_UNAVAILABLE', 'restarted'))).toEqual([]);
    expect(codes(with1(oldTools, 'BUMP_UNAVAILABLE', '  '))).toHaveLength(3);
    expect(codes(with1(oldTools, 'KUBELET_THRESHOLD', 'restarted'))).toHaveLength(3);
  });

  it('is kept in the plan only where it was of use', () => {
    const both = planned((s) => {
      oldTools(s);
      s.input = {
        overrides: [
          { code: 'BUMP_UNAVAILABLE', reason: 'restarted' },
          { code: 'KUBELET_THRESHOLD', reason: 'never asked' },
        ],
      };
    });
    expect(both.plan.overrides.map(({ code }) => code)).toEqual(['BUMP_UNAVAILABLE']);
  });
});

describe('a plan', () => {
  it('takes the peer URL of a manifest where the membership says none', () => {
    const { plan } = planned((s) => {
      for (const n of [0, 1, 2]) etcdOf(s, n).members = [];
    });
    expect(plan.nodes[0]?.etcd?.initialCluster).toContain('cp1=https://10.0.0.1:2380');
  });

  it('knows OLD by the first list of members that there is, and by its majority', () => {
    const { plan } = planned((s) => {
      etcdOf(s, 0).members = [];
      etcdOf(s, 2).serving = false;
    });
    expect(plan.baseline?.members).toHaveLength(3);
    expect(plan.baseline?.serving).toBe(true);
  });

  it('warns of a copy that is no good, of an etcd and of an API server that do not answer, and of nothing else', () => {
    const { warnings } = planned((s) => {
      at(s, 0).failures = [failed('ETCD_UNREACHABLE'), failed('SYNC_FAILED')];
      at(s, 1).failures = [failed('API_NOT_READY')];
      const bad = {
        node: 'cp3',
        address: '',
        facts: s.facts,
        refusals: [refusal('SNAPSHOT_TRUNCATED', 'short', 'cp3')],
      };
      const good = { node: 'cp2', address: '10.0.0.2:7443', facts: s.facts, refusals: [] };
      const unread = { node: 'cp1', address: '', facts: undefined, refusals: [] };
      s.input = {
        snapshot: { id: 's-1', card: s.card, sealed: undefined, distrust: [], copies: [bad, unread, good] },
      };
    });
    expect(warnings.map(({ code, node }) => `${code} ${node}`)).toEqual([
      'SNAPSHOT_TRUNCATED cp3',
      'ETCD_UNREACHABLE cp1',
      'API_NOT_READY cp2',
    ]);
    expect(planned().warnings).toEqual([]);
  });

  it('is made from a whole copy, and from none where none is whole', () => {
    const bad = (s: Scene, refusals: ReturnType<typeof refusal>[]) => ({
      node: 'cp3',
      address: '',
      facts: s.facts,
      refusals,
    });
    const { refusals } = planned((s) => {
      s.input = {
        snapshot: {
          id: 's-1',
          card: s.card,
          sealed: undefined,
          distrust: [],
          copies: [bad(s, [refusal('SNAPSHOT_TRUNCATED', 'short', 'cp3')])],
        },
      };
    });
    expect(refusals.map(({ code }) => code)).toEqual(['SNAPSHOT_TRUNCATED']);
  });
});
