import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decode, encode } from '@lockstep/agent/snapshots/encoding.ts';
import { fileKeyOf, readIdentities } from '@lockstep/coordinator/cli/identity-file.ts';
import { ageHeadOf } from '@lockstep/shared/age-head.ts';
import { Encoding } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateAge } from '../../lab/tools/locate.ts';

/** Beyond a few of age's chunks of 64 KiB, and no whole number of them. */
const plain = Buffer.concat([randomBytes(1_000_000), Buffer.alloc(1_000_001, 'kubernetes ')]);

const age = await locateAge();
const run = promisify(execFile);

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

describe.runIf(age !== undefined)('the other implementation of age', () => {
  const program = age ?? '';
  let scratch: string;
  let identity: string;
  let recipient: string;

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'lockstep-age-'));
    identity = join(scratch, 'key.txt');
    await run(join(dirname(program), 'age-keygen'), ['-o', identity]);
    recipient = /public key: (age1\w+)/.exec(await readFile(identity, 'utf8'))?.[1] ?? '';
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));

  it('opens what an agent sends to a store', async () => {
    const path = join(scratch, 'ours.snap');
    await writeFile(path, await whole(encode(pieces(plain), [recipient])));
    await run(program, ['-d', '-i', identity, '-o', join(scratch, 'ours.zst'), path]);
    expect(zstdDecompressSync(await readFile(join(scratch, 'ours.zst'))).equals(plain)).toBe(true);
  });

  it('makes what the command line and an agent open together', async () => {
    const child = spawn(program, ['-r', recipient, '-o', join(scratch, 'theirs.snap')], { stdio: 'pipe' });
    child.stdin.end(zstdCompressSync(plain));
    await new Promise((resolve) => child.once('close', resolve));
    const stored = await readFile(join(scratch, 'theirs.snap'));
    const head = ageHeadOf(stored) ?? new Uint8Array();
    const fileKey = await fileKeyOf(head, await readIdentities(identity), [recipient]);
    expect((await whole(decode(pieces(stored), Encoding.ENCODING_ZSTD_AGE, fileKey))).equals(plain)).toBe(
      true,
    );
  });
});
