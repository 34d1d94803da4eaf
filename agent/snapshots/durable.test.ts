import type { FileHandle } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { syncOrFail, writeAll, writeAllOf } from './durable.ts';

const PIECES = [Buffer.from('lock'), Buffer.from('step'), Buffer.from('!')];

/** A disk that takes no more than so many bytes at a time. */
function slowDisk(mostBytes: number): { handle: FileHandle; calls: string[]; written: () => string } {
  const calls: string[] = [];
  const taken: Buffer[] = [];
  const take = (call: string, bytes: Buffer): { bytesWritten: number } => {
    calls.push(call);
    const part = bytes.subarray(0, mostBytes);
    taken.push(part);
    return { bytesWritten: part.length };
  };
  const handle = {
    write: async (bytes: Buffer, offset: number) => take('write', bytes.subarray(offset)),
    writev: async (pieces: Buffer[]) => take('writev', Buffer.concat(pieces)),
  } as unknown as FileHandle;
  return { handle, calls, written: () => Buffer.concat(taken).toString() };
}

function failing(code: string): FileHandle {
  const fail = () => Promise.reject(Object.assign(new Error('no'), { code }));
  return { write: fail, writev: fail, sync: fail } as unknown as FileHandle;
}

describe('what is written', () => {
  it('goes in one call where the disk takes it in one', async () => {
    const disk = slowDisk(100);
    await writeAllOf(disk.handle, PIECES, '/p');
    expect([disk.written(), disk.calls]).toEqual(['lockstep!', ['writev']]);
  });

  it.each([1, 3, 4, 8])('is all written where the disk takes %i bytes at a time', async (mostBytes) => {
    const pieces = slowDisk(mostBytes);
    await writeAllOf(pieces.handle, PIECES, '/p');
    const whole = slowDisk(mostBytes);
    await writeAll(whole.handle, Buffer.concat(PIECES), '/p');
    expect([pieces.written(), whole.written()]).toEqual(['lockstep!', 'lockstep!']);
  });

  it('is nothing where there is nothing', async () => {
    const disk = slowDisk(100);
    await writeAllOf(disk.handle, [], '/p');
    await writeAllOf(disk.handle, [Buffer.alloc(0)], '/p');
    await writeAll(disk.handle, Buffer.alloc(0), '/p');
    expect(disk.calls).toEqual([]);
  });

  it('has no room on a full disk, which is said by its name; any other failure is what it is', async () => {
    const [full, broken] = [failing('ENOSPC'), failing('EIO')];
    await expect(writeAll(full, PIECES[0] as Buffer, '/p')).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(writeAllOf(full, PIECES, '/p')).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(writeAll(broken, PIECES[0] as Buffer, '/p')).rejects.toMatchObject({ code: 'EIO' });
    await expect(writeAllOf(broken, PIECES, '/p')).rejects.toMatchObject({ code: 'EIO' });
    await expect(syncOrFail(broken, '/p')).rejects.toMatchObject({ code: 'SYNC_FAILED' });
  });
});
