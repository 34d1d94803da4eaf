import { Proof } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { foundBad, notDrilled } from './drill-alert.ts';

const failure = { code: 'SNAPSHOT_CORRUPT', message: 'page 7', node: 'cp1', cure: 'Save anew.', causes: [] };
const proof = (code: string): Proof => Proof.fromPartial({ place: 'cp2', failure: { code } });

describe('what a drill wakes somebody by', () => {
  it('names the snapshot, or the one copy that is damaged, and what to do', () => {
    expect(foundBad('s-1', proof('SNAPSHOT_CORRUPT'), failure)).toBe(
      'Snapshot s-1 is BAD on cp2, as a drill found: SNAPSHOT_CORRUPT: page 7. Save anew.',
    );
    expect(foundBad('s-1', proof('COPY_DAMAGED'), { ...failure, message: 'Other bytes.' })).toContain(
      'The copy of s-1 in cp2 is BAD, as a drill found: SNAPSHOT_CORRUPT: Other bytes. Save',
    );
  });

  it('says of one that could not be done that it says nothing, of what, where and why', () => {
    const causes = ['cp2: DISK_FULL'];
    expect(notDrilled('s-1', { ...failure, causes })).toBe(
      'Snapshot s-1 could not be drilled on cp1, which says nothing of whether it is good: ' +
        'SNAPSHOT_CORRUPT: page 7. (cp2: DISK_FULL) Save anew.',
    );
    expect(notDrilled('', { ...failure, node: '', cure: '' })).toBe(
      'No snapshot could be drilled, which says nothing of whether it is good: SNAPSHOT_CORRUPT: page 7.',
    );
  });
});
