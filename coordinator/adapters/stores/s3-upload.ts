import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm, CompletedPart } from '@aws-sdk/client-s3';
import { deadline } from '@lockstep/shared/deadline.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { S3Config } from '../../config-stores.ts';
import type { S3Connection } from './s3-client.ts';
import { fromS3 } from './s3-failures.ts';

/** Held in memory twice over: one goes while the next one fills. S3 wants 5 MiB at least. */
export const PART_BYTES = 8 * 1024 * 1024;
/** S3's own; with these parts it is far beyond any etcd. */
const MAX_PARTS = 10_000;
const ABORT_ATTEMPTS = 3;
const ABORT_TIMEOUT_MS = 10_000;
const DAY_MS = 24 * 60 * 60_000;

export interface Upload {
  readonly connection: S3Connection;
  readonly config: S3Config;
  /** With the prefix. */
  readonly key: string;
  /** Whether the lock of the configuration is put on it. */
  readonly locked: boolean;
  /** For messages. */
  readonly where: string;
  readonly nowMs: () => number;
  /** Of one request with all of its attempts. */
  readonly requestTimeoutMs: number;
}

/** In one request where it is small, in parts where it is not. Where it fails, no part stays. */
export async function upload(
  target: Upload,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const parts = partsOf(bytes);
  const first = await parts.next();
  const whole = first.done === true ? Buffer.alloc(0) : first.value;
  if (whole.length < PART_BYTES) await putWhole(target, whole, signal);
  else await putParts(target, whole, parts, signal);
}

async function putWhole(target: Upload, body: Buffer, signal: AbortSignal): Promise<void> {
  const { connection, config, key } = target;
  const { sdk, client } = connection;
  const command = new sdk.PutObjectCommand({
    Bucket: config.bucket,
    Key: key,
    Body: body,
    ContentLength: body.length,
    ...checksumOf(config, body),
    ...lockOf(target),
  });
  await sent(target, signal, (abortSignal) => client.send(command, { abortSignal }));
}

async function putParts(
  target: Upload,
  first: Buffer,
  rest: AsyncGenerator<Buffer, void, undefined>,
  signal: AbortSignal,
): Promise<void> {
  const { connection, config, key, where } = target;
  const { sdk, client } = connection;
  const place = { Bucket: config.bucket, Key: key };
  const create = new sdk.CreateMultipartUploadCommand({
    ...place,
    ChecksumAlgorithm: algorithmOf(config),
    ...lockOf(target),
  });
  const { UploadId } = await sent(target, signal, (abortSignal) => client.send(create, { abortSignal }));
  if (UploadId === undefined) throw new LockstepError('STORE_FAILED', { message: `${where}: no upload id.` });

  const done: CompletedPart[] = [];
  const putPart = async (number: number, body: Buffer): Promise<void> => {
    if (number > MAX_PARTS) {
      throw new LockstepError('STORE_FAILED', { message: `${where}: more than ${MAX_PARTS} parts.` });
    }
    const checksum = checksumOf(config, body);
    const command = new sdk.UploadPartCommand({
      ...place,
      UploadId,
      PartNumber: number,
      Body: body,
      ContentLength: body.length,
      ...checksum,
    });
    const { ETag } = await sent(target, signal, (abortSignal) => client.send(command, { abortSignal }));
    done.push({ PartNumber: number, ...(ETag === undefined ? {} : { ETag }), ...checksum });
  };
  let under: Promise<void> = putPart(1, first);
  try {
    for (let number = 2; ; number += 1) {
      // One part goes while the next one fills.
      const next = await nextUnless(rest, under);
      await under;
      if (next.done === true) break;
      under = putPart(number, next.value);
    }
    const complete = new sdk.CompleteMultipartUploadCommand({
      ...place,
      UploadId,
      MultipartUpload: { Parts: done },
    });
    await sent(target, signal, (abortSignal) => client.send(complete, { abortSignal }));
  } catch (thrown) {
    await under.catch(() => undefined);
    void rest.return().catch(() => undefined);
    await abort(connection, { ...place, UploadId });
    throw thrown;
  }
}

/** A request with its deadline; whatever it throws is one of ours, or the caller's own reason. */
async function sent<Result>(
  { where, requestTimeoutMs }: Upload,
  signal: AbortSignal,
  send: (abortSignal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    return await send(deadline(requestTimeoutMs, signal));
  } catch (thrown) {
    signal.throwIfAborted();
    throw fromS3(thrown, where);
  }
}

/** The next part; or the failure of the one under way, as soon as that is known. */
async function nextUnless(
  rest: AsyncGenerator<Buffer, void, undefined>,
  under: Promise<void>,
): Promise<IteratorResult<Buffer, void>> {
  const next = rest.next();
  next.catch(() => undefined);
  await Promise.race([next, under]);
  // Where the part under way is through first, the next one is still to come.
  return next;
}

/** Best effort, with deadlines of its own: the caller's signal may be what ended the upload. */
async function abort(
  { sdk, client }: S3Connection,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
): Promise<void> {
  for (let attempt = 0; attempt < ABORT_ATTEMPTS; attempt += 1) {
    try {
      await client.send(new sdk.AbortMultipartUploadCommand(upload), {
        abortSignal: deadline(ABORT_TIMEOUT_MS),
      });
      return;
    } catch (thrown) {
      if (fromS3(thrown, '').code !== 'STORE_UNREACHABLE') return;
    }
  }
}

/** Uploads that a killed coordinator began more than a day ago. Whatever hinders that hinders nothing else. */
export async function abortAbandoned(
  connection: S3Connection,
  { bucket, prefix }: S3Config,
  nowMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { sdk, client } = connection;
  try {
    const { Uploads = [] } = await client.send(
      new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }),
      { abortSignal: signal },
    );
    for (const { Key, UploadId, Initiated } of Uploads) {
      const isOld = Initiated !== undefined && nowMs - Initiated.getTime() > DAY_MS;
      if (isOld && Key !== undefined && UploadId !== undefined) {
        await abort(connection, { Bucket: bucket, Key, UploadId });
      }
    }
  } catch {
    signal.throwIfAborted();
  }
}

/** The stream in parts of the same size; the last one may be smaller. */
async function* partsOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let part = Buffer.allocUnsafe(PART_BYTES);
  let filled = 0;
  for await (const piece of bytes) {
    for (let taken = 0; taken < piece.length; ) {
      const take = Math.min(piece.length - taken, PART_BYTES - filled);
      part.set(piece.subarray(taken, taken + take), filled);
      filled += take;
      taken += take;
      if (filled === PART_BYTES) {
        yield part;
        part = Buffer.allocUnsafe(PART_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

function algorithmOf({ checksum }: S3Config): ChecksumAlgorithm {
  return checksum === 'sha256' ? 'SHA256' : 'CRC32';
}

function checksumOf(
  { checksum }: S3Config,
  body: Buffer,
): { ChecksumSHA256: string } | { ChecksumCRC32: string } {
  if (checksum === 'sha256') {
    return { ChecksumSHA256: createHash('sha256').update(body).digest('base64') };
  }
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return { ChecksumCRC32: sum.toString('base64') };
}

function lockOf({ config: { lock }, locked, nowMs }: Upload): {
  ObjectLockMode?: 'COMPLIANCE' | 'GOVERNANCE';
  ObjectLockRetainUntilDate?: Date;
} {
  if (lock === undefined || !locked) return {};
  return {
    ObjectLockMode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    ObjectLockRetainUntilDate: new Date(nowMs() + lock.days * DAY_MS),
  };
}
