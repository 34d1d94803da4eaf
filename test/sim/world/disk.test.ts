import { describe, expect, it } from 'vitest';
import { DIRECTORY, Disk } from './disk.ts';
import { Random } from './random.ts';

const SEEDS = Array.from({ length: 64 }, (_, seed) => BigInt(seed));

/** What a disk may be after power loss, over many dice. */
function afterPowerLoss(prepare: (disk: Disk) => void, look: (disk: Disk) => unknown): Set<string> {
  return new Set(
    SEEDS.map((seed) => {
      const disk = new Disk();
      prepare(disk);
      disk.losePower(new Random(seed));
      return JSON.stringify(look(disk));
    }),
  );
}

function exchanged(disk: Disk): void {
  disk.change(DIRECTORY.lockstep, [disk.stagingDir, 1]);
  disk.change(DIRECTORY.varLib, [disk.inPlace, 100]);
  disk.change(DIRECTORY.staging, [disk.other, 200]);
  disk.sync(DIRECTORY.lockstep | DIRECTORY.varLib | DIRECTORY.staging);
  disk.change(DIRECTORY.varLib | DIRECTORY.staging, [disk.inPlace, 200], [disk.other, 100]);
}

const stores = (disk: Disk): number[] => [disk.inPlace.volatile, disk.other.volatile];

describe('power loss', () => {
  it('leaves an exchange that was not synced whole, or undone, and never between', () => {
    expect(afterPowerLoss(exchanged, stores)).toEqual(new Set(['[100,200]', '[200,100]']));
  });

  it('leaves what was synced', () => {
    const synced = (disk: Disk): void => {
      exchanged(disk);
      disk.sync(DIRECTORY.varLib);
    };
    expect(afterPowerLoss(synced, stores)).toEqual(new Set(['[200,100]']));
  });

  it('keeps the order of one directory, and no order between two', () => {
    const changes = (disk: Disk): void => {
      disk.change(DIRECTORY.state, [disk.hold, 1]);
      disk.change(DIRECTORY.state, [disk.operationDir, 1]);
      disk.change(DIRECTORY.unit, [disk.dropIn, 1]);
    };
    const seen = afterPowerLoss(changes, ({ hold, operationDir, dropIn }) => [
      hold.volatile,
      operationDir.volatile,
      dropIn.volatile,
    ]);
    const ordered = ['[0,0,0]', '[1,0,0]', '[1,1,0]', '[0,0,1]', '[1,0,1]', '[1,1,1]'];
    expect(seen).toEqual(new Set(ordered));
  });

  it('takes what lies in a directory that never got its name', () => {
    const lost = (disk: Disk): void => {
      disk.change(DIRECTORY.lockstep, [disk.stagingDir, 1]);
      disk.change(DIRECTORY.staging, [disk.other, 200]);
      disk.sync(DIRECTORY.staging);
    };
    expect(afterPowerLoss(lost, (disk) => [disk.stagingDir.volatile, disk.other.volatile])).toEqual(
      new Set(['[0,0]', '[1,200]']),
    );
  });
});

it('a sync makes durable what came before in every directory concerned', () => {
  const disk = new Disk();
  disk.change(DIRECTORY.staging, [disk.keep, 100]);
  disk.change(DIRECTORY.varLib | DIRECTORY.staging, [disk.inPlace, 200]);
  disk.change(DIRECTORY.unit, [disk.dropIn, 1]);
  disk.sync(DIRECTORY.varLib);
  expect([disk.keep.durable, disk.inPlace.durable, disk.dropIn.durable]).toEqual([100, 200, 0]);
  expect(disk.isDirty).toBe(true);
});
