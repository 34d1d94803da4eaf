import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../digest.ts';
import { LockstepError } from '../errors/lockstep-error.ts';
import { judgeArchive, manifestText } from './judge.ts';
import { ARCHIVE_LIMITS, type ArchiveLimits } from './limits.ts';
import { type EvidenceManifest, FORMAT } from './manifest.ts';
import { entryName, isEntryName } from './names.ts';
import { readArchive } from './read.ts';
import { BLOCK_BYTES, END_BYTES, paddingBytes, tarHeader } from './tar.ts';
import { writeEnd, writeFile } from './write.ts';

const AT = '2026-11-22T23:15:00.000Z';

function manifestOf(files: Record<string, string>): EvidenceManifest {
  return {
    format: FORMAT,
    gatherId: 'e-1',
    cluster: 'lab',
    node: 'cp1',
    custody: {
      requestedBy: 'lockstep://lab/operator/ada',
      commandedBy: 'lockstep://lab/coordinator/c1',
      gatheredBy: 'lockstep://lab/agent/cp1',
      reason: 'INC-42',
      operationId: '',
      startedAt: AT,
      endedAt: AT,
      toolVersion: '0.1.0',
    },
    limits: {},
    collectors: [],
    files: Object.entries(files).map(([name, text]) => ({
      name,
      collector: 'cron',
      sizeBytes: Buffer.byteLength(text),
      sha256: sha256Hex(text),
    })),
    notTaken: [],
    notTakenUnlisted: 0,
  };
}

function entry(name: string, text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = tarHeader({ name, sizeBytes: bytes.length, mtimeSeconds: 1 });
  return Buffer.concat([header, bytes, Buffer.alloc(paddingBytes(bytes.length))]);
}

function end(manifest: EvidenceManifest): Buffer {
  return Buffer.concat([...writeEnd(manifestText(manifest, []), 0)]);
}

const FILES = { 'cron/etc/crontab': 'x'.repeat(700), 'cron/cron.json': '[]' };

function whole(): Buffer {
  return Buffer.concat([
    ...Object.entries(FILES).map(([name, text]) => entry(name, text)),
    end(manifestOf(FILES)),
  ]);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const readPacked = (packed: Uint8Array, limits: ArchiveLimits = ARCHIVE_LIMITS) =>
  readArchive(once(packed), undefined, limits);
const readPlain = (plain: Uint8Array) => readPacked(zstdCompressSync(plain));

/** A header with one field set to what no writer of ours writes, its checksum made right again. */
function doctored(change: (header: Buffer) => void): Buffer {
  const header = tarHeader({ name: 'cron/a', sizeBytes: 0, mtimeSeconds: 0 });
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** Its last bytes are not zeros. */
const spoilt = (bytes: Buffer) => bytes.fill(7, bytes.length - 3);

const named = (name: string) =>
  doctored((header) => {
    header.fill(0, 0, 100);
    header.write(name, 0, 'latin1');
  });
const typed = (type: string) => doctored((header) => header.write(type, 156, 'latin1'));
const CLOSE = end(manifestOf({}));

const HOSTILE: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['an end without a manifest', Buffer.alloc(END_BYTES)],
  ['text', Buffer.alloc(4096, 'hello ')],
  ['an archive that is cut off in a file', whole().subarray(0, 900)],
  ['an archive that is cut off in its manifest', whole().subarray(0, -END_BYTES - 600)],
  ['an archive that is cut off in its end', whole().subarray(0, -BLOCK_BYTES)],
  ['bytes behind the end', Buffer.concat([whole(), Buffer.from('more')])],
  ['zeros behind the end', Buffer.concat([whole(), Buffer.alloc(BLOCK_BYTES)])],
  ['a second archive behind the end', Buffer.concat([whole(), whole()])],
  ['a name twice', Buffer.concat([entry('cron/a', ''), entry('cron/a', ''), CLOSE])],
  ['a path that climbs', Buffer.concat([named('cron/../../etc/passwd'), CLOSE])],
  ['an absolute path', Buffer.concat([named('/etc/passwd'), CLOSE])],
  ['a name outside a collector', Buffer.concat([named('passwd'), CLOSE])],
  ['a hidden name', Buffer.concat([named('cron/.bashrc'), CLOSE])],
  ['a name of a single dot', Buffer.concat([named('cron/./a'), CLOSE])],
  ['a newline in a name', Buffer.concat([named('cron/a\nb'), CLOSE])],
  ['an escape in a name', Buffer.concat([named('cron/\u001b[2J'), CLOSE])],
  ['a backslash in a name', Buffer.concat([named('cron/a\\b'), CLOSE])],
  ['an empty name', Buffer.concat([named(''), CLOSE])],
  ['bytes hidden behind a name', Buffer.concat([named('cron/a\0/../b'), CLOSE])],
  ['a hard link', Buffer.concat([typed('1'), CLOSE])],
  ['a symbolic link', Buffer.concat([typed('2'), CLOSE])],
  ['a character device', Buffer.concat([typed('3'), CLOSE])],
  ['a block device', Buffer.concat([typed('4'), CLOSE])],
  ['a directory', Buffer.concat([typed('5'), CLOSE])],
  ['a pipe', Buffer.concat([typed('6'), CLOSE])],
  ['a pax header', Buffer.concat([typed('x'), CLOSE])],
  ['a global pax header', Buffer.concat([typed('g'), CLOSE])],
  ['a GNU long name', Buffer.concat([typed('L'), CLOSE])],
  ['a sparse file', Buffer.concat([typed('S'), CLOSE])],
  ['a plain file of the old kind', Buffer.concat([typed('\0'), CLOSE])],
  ['a link in a plain file', Buffer.concat([doctored((header) => header.write('/etc', 157)), CLOSE])],
  ['a size that is no number', Buffer.concat([doctored((header) => header.write('xx', 124)), CLOSE])],
  ['a size in base 256', Buffer.concat([doctored((header) => header.writeUInt8(0x80, 124)), CLOSE])],
  ['a size beyond the limit', Buffer.concat([doctored((header) => header.write('77777777777', 124)), CLOSE])],
  ['another format of tar', Buffer.concat([doctored((header) => header.write('ustar  ', 257)), CLOSE])],
  ['a checksum that does not hold', Buffer.concat([entry('cron/a', '').fill(1, 136, 137), CLOSE])],
  ['bytes in the padding', Buffer.concat([spoilt(entry('cron/a', 'x')), CLOSE])],
  ['bytes in the end', spoilt(whole())],
  ['a manifest that is no JSON', Buffer.concat([...writeEnd('{', 0)])],
  ['a manifest of another format', Buffer.concat([...writeEnd('{"manifest":{"format":"x"},"seals":[]}', 0)])],
  [
    'half a surrogate in the manifest',
    Buffer.concat([...writeEnd('{"manifest":{"a":"\\ud800"},"seals":[]}', 0)]),
  ],
  ['two manifests', Buffer.concat([CLOSE.subarray(0, -END_BYTES), CLOSE])],
];

describe('an archive of evidence', () => {
  it('reads as it was written, to its last byte', async () => {
    const packed = zstdCompressSync(whole());
    const seen: Record<string, string> = {};
    const read = await readArchive(once(packed), ({ name }) => (bytes) => {
      seen[name] = (seen[name] ?? '') + Buffer.from(bytes).toString();
    });
    expect(seen).toEqual(FILES);
    expect(read.manifest).toEqual(manifestOf(FILES));
    expect([read.sha256, read.sizeBytes]).toEqual([sha256Hex(packed), packed.length]);
    expect(judgeArchive(read, undefined).refusals).toEqual([]);
  });

  it('reads in pieces of any size', async () => {
    const packed = zstdCompressSync(whole());
    async function* bytewise() {
      for (const byte of packed) yield Uint8Array.of(byte);
    }
    expect((await readArchive(bytewise())).entries.size).toBe(2);
  });

  it('reads with a frame of nothing behind it, as a packer may leave it', async () => {
    const packed = Buffer.concat([zstdCompressSync(whole()), zstdCompressSync('')]);
    expect((await readPacked(packed)).entries.size).toBe(2);
  });

  it('reads one of many blocks, packed as an agent packs it', async () => {
    // Text that packs badly, long enough for several blocks.
    let state = 1;
    const noise = Buffer.from(
      Uint8Array.from({ length: 600_000 }, () => (state = (state * 16807) % 2147483647) & 0xff),
    ).toString('base64');
    const files = { 'pod-logs/noise': noise, 'pod-logs/zeros': '\0'.repeat(500_000) };
    const plain = Buffer.concat([
      ...Object.entries(files).map(([name, text]) => entry(name, text)),
      end(manifestOf(files)),
    ]);
    async function* pieces() {
      const packer = createZstdCompress();
      packer.end(plain);
      for await (const piece of packer) yield piece as Buffer;
    }
    expect(judgeArchive(await readArchive(pieces()), undefined).refusals).toEqual([]);
  });

  it('holds exactly the size that was promised, whatever becomes of the file', async () => {
    const written = async (sizeBytes: number, text: string) => {
      const parts: Uint8Array[] = [];
      const stream = writeFile({ name: 'cron/a', sizeBytes, mtimeSeconds: 0 }, once(Buffer.from(text)));
      for (;;) {
        const next = await stream.next();
        if (next.done === true) return { bytes: Buffer.concat(parts), ...next.value };
        parts.push(next.value);
      }
    };
    const grown = await written(3, 'abcdef');
    expect([grown.sha256, grown.shrankAtBytes]).toEqual([sha256Hex('abc'), undefined]);
    const shrunk = await written(5, 'ab');
    expect([shrunk.sha256, shrunk.shrankAtBytes]).toEqual([sha256Hex('ab\0\0\0'), 2]);
    expect(shrunk.bytes.length).toBe(2 * BLOCK_BYTES);
  });

  it.each(HOSTILE)('refuses %s', async (_what, plain) => {
    await expect(readPlain(plain)).rejects.toMatchObject({ code: 'EVIDENCE_ARCHIVE_INVALID' });
  });

  it('refuses what is no zstd, is cut off in it, or follows it', async () => {
    const packed = zstdCompressSync(whole());
    for (const bytes of [
      whole(),
      packed.subarray(0, -8),
      Buffer.concat([packed, Buffer.from('tail')]),
      Buffer.concat([packed, packed]),
      Buffer.concat([packed, zstdCompressSync('x')]),
      Buffer.concat([packed, zstdCompressSync(Buffer.alloc(500_000))]),
      Buffer.concat([packed, zstdCompressSync('').subarray(0, -2)]),
    ]) {
      await expect(readPacked(bytes)).rejects.toMatchObject({ code: 'EVIDENCE_ARCHIVE_INVALID' });
    }
  });

  it('refuses a bomb, and one of too many files, before it has gone off', async () => {
    const zeros = Buffer.alloc(64 * 1024 * 1024);
    const bomb = Buffer.concat([
      tarHeader({ name: 'cron/a', sizeBytes: zeros.length, mtimeSeconds: 0 }),
      zeros,
    ]);
    const small = { ...ARCHIVE_LIMITS, maxPlainBytes: 1024 * 1024 };
    await expect(readPacked(zstdCompressSync(bomb), small)).rejects.toMatchObject({
      message: expect.stringContaining('unpacks to more'),
    });
    const few = { ...ARCHIVE_LIMITS, maxFiles: 1 };
    await expect(readPacked(zstdCompressSync(whole()), few)).rejects.toMatchObject({
      message: expect.stringContaining('more than 1 files'),
    });
  });

  it('is told from one whose files were changed, taken out or added', async () => {
    const judged = async (files: Record<string, string>) => {
      const plain = Buffer.concat([
        ...Object.entries(files).map(([name, text]) => entry(name, text)),
        end(manifestOf(FILES)),
      ]);
      return judgeArchive(await readPlain(plain), undefined).refusals.map(({ message }) => message);
    };
    expect(await judged({ ...FILES, 'cron/cron.json': '{}' })).toEqual([
      'cron/cron.json is not the file that was gathered',
    ]);
    expect(await judged({ 'cron/cron.json': '[]' })).toEqual(['cron/etc/crontab is not in it']);
    expect(await judged({ ...FILES, 'cron/c': '' })).toEqual(['cron/c was added to it']);
  });

  it('is not believed without a seal', async () => {
    const read = await readPlain(whole());
    const judged = judgeArchive(read, { cluster: 'lab', certificates: [] });
    expect(judged.refusals.map(({ code }) => code)).toEqual(['EVIDENCE_UNSEALED']);
  });

  it('is read or refused, and nothing else, with any byte of it changed', async () => {
    const good = whole();
    const digest = sha256Hex(JSON.stringify(FILES));
    // A generator of its own, so that a failure comes again.
    let state = Number.parseInt(digest.slice(0, 8), 16);
    const dice = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    const codes: unknown[] = [];
    for (let round = 0; round < 400; round += 1) {
      const mutant = Buffer.from(good);
      for (let change = 0; change <= dice(3); change += 1) mutant[dice(mutant.length)] = dice(256);
      const plain = dice(8) === 0 ? mutant.subarray(0, dice(mutant.length)) : mutant;
      codes.push(
        await readPlain(plain).then(
          (read) => judgeArchive(read, undefined) && 'read',
          (thrown: unknown) => (thrown instanceof LockstepError ? thrown.code : thrown),
        ),
      );
    }
    expect(new Set(codes)).toEqual(new Set(['read', 'EVIDENCE_ARCHIVE_INVALID']));
  });
});

describe('what a file of the host is called in an archive', () => {
  it.each([
    ['/etc/crontab', 'cron/etc/crontab'],
    ['/etc/cron.d/a b', 'cron/odd-name-7'],
    ['/etc/cron.d/..', 'cron/odd-name-7'],
    ['/etc/.hidden', 'cron/odd-name-7'],
    ['/etc/line\nbreak', 'cron/odd-name-7'],
    ['/etc/\u202egpj.exe', 'cron/odd-name-7'],
    [`/${'x'.repeat(101)}`, 'cron/odd-name-7'],
    [`/${'y'.repeat(90)}/${'x'.repeat(90)}`, `cron/${'y'.repeat(90)}/${'x'.repeat(90)}`],
    ['/', 'cron/odd-name-7'],
  ])('%j is %s', (path, name) => {
    expect(entryName('cron', path, 7)).toBe(name);
    expect(isEntryName(name)).toBe(true);
  });
});
