import { describe, expect, it } from 'vitest';
import { planned, type Scene } from '../testing/plan-scene.ts';

const CURES = [{ key: Buffer.from('/registry/minions/old'), value: Buffer.alloc(0) }];

const ofAnother = (scene: Scene): void => {
  if (scene.card !== undefined) scene.card.cluster = 'burnt';
};

function codes(change: (scene: Scene) => unknown): string[] {
  return planned(change).refusals.map(({ code }) => code);
}

describe('a snapshot of another cluster', () => {
  it('is refused unless somebody says where it goes', () => {
    expect(codes(ofAnother)).toEqual(['CLUSTER_MISMATCH']);
  });

  it('goes into this one when that is said, and what it says of its own hosts is in the plan', () => {
    const { plan, refusals } = planned((scene) => {
      ofAnother(scene);
      scene.input = { into: 'lab', cures: CURES };
    });
    expect(refusals).toEqual([]);
    expect(plan).toMatchObject({ fromCluster: 'burnt', cures: CURES });
  });

  it.each<[string, (scene: Scene) => unknown, string]>([
    [
      'where another place is named',
      (scene) => {
        ofAnother(scene);
        scene.input = { into: 'elsewhere', cures: CURES };
      },
      'CLUSTER_MISMATCH',
    ],
    [
      'where nobody knows the hosts of this place',
      (scene) => {
        ofAnother(scene);
        scene.input = { into: 'lab', cures: undefined };
      },
      'PLACE_UNKNOWN',
    ],
    ['where it is of this one', (scene) => (scene.input = { into: 'lab', cures: [] }), 'PLACE_IS_ITS_OWN'],
    [
      'where it is of this one, whoever knows the hosts',
      (scene) => (scene.input = { into: 'lab', cures: undefined }),
      'PLACE_IS_ITS_OWN',
    ],
  ])('is refused %s', (_what, change, code) => {
    expect(codes(change)).toEqual([code]);
  });

  it('that is broken is refused for that alone', () => {
    const said = codes((scene) => {
      ofAnother(scene);
      scene.facts.trailerValid = false;
      scene.input = { into: 'elsewhere', cures: CURES };
    });
    expect(said).not.toContain('CLUSTER_MISMATCH');
    expect(said).not.toEqual([]);
  });

  it('of this one carries no cures', () => {
    const { plan } = planned((scene) => (scene.input = { cures: CURES }));
    expect(plan).toMatchObject({ fromCluster: '', cures: [] });
  });
});
