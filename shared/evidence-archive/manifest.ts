import { z } from 'zod';
import { isCollectorName, isEntryName, MANIFEST_NAME } from './names.ts';

export const FORMAT = 'lockstep.evidence/1';

const digest = z.string().regex(/^[0-9a-f]{64}$/u);
const bytes = z.number().int().nonnegative();
const instant = z.iso.datetime();
const collectorName = z.string().refine(isCollectorName, 'no collector’s name');

/**
 * A path of the host, decoded as UTF-8. Hostile by nature: whoever shows it escapes it. `pathBytes`
 * (base64) is the true one where it is no UTF-8.
 */
const hostPath = { path: z.string(), pathBytes: z.base64().optional() };

/** What a name on the host bore when it was looked at. */
const onHost = {
  mode: z.number().int().nonnegative(),
  uid: z.number().int().nonnegative(),
  gid: z.number().int().nonnegative(),
  modifiedAt: z.string(),
  changedAt: z.string(),
  inode: z.string(),
};

/** Bytes that are in the archive. */
const fileSchema = z.strictObject({
  /** The entry's. */
  name: z.string().refine((name) => isEntryName(name) && name !== MANIFEST_NAME, 'no entry’s name'),
  collector: collectorName,
  sizeBytes: bytes,
  sha256: digest,
  /** A file of the host; left out for what the agent wrote itself about what it saw. */
  source: z
    .strictObject({
      ...hostPath,
      ...onHost,
      /** The file's whole size when it was opened. */
      sizeBytes: bytes,
      /** Bytes before what is kept, where a limit left the rest out: the newest end of a log is kept. */
      skippedBytes: bytes,
      /** It shrank while it was read: zeros stand for what was gone, from here on. */
      shrankAtBytes: bytes.optional(),
    })
    .optional(),
});

/** Seen and not taken; `why` is for people. */
const notTakenSchema = z.strictObject({
  collector: collectorName,
  ...hostPath,
  kind: z.enum([
    'file',
    'directory',
    'symbolic-link',
    'fifo',
    'socket',
    'character-device',
    'block-device',
    'unknown',
  ]),
  ...z.object(onHost).partial().shape,
  sizeBytes: bytes.optional(),
  /** Where a link points, as it is written there. */
  target: z.string().optional(),
  why: z.string(),
});

const collectorSchema = z.strictObject({
  name: collectorName,
  /** `limited`: a limit left something out. `failed`: it ended before its time; what it took is here. */
  outcome: z.enum(['done', 'limited', 'failed']),
  reason: z.string(),
  startedAt: instant,
  endedAt: instant,
  files: bytes,
  plainSizeBytes: bytes,
  notTaken: bytes,
});

export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  gatherId: z.string().min(1),
  cluster: z.string().min(1),
  node: z.string().min(1),
  /** Who asked whom for it, when, and why. */
  custody: z.strictObject({
    /** An operator, as the coordinator says. */
    requestedBy: z.string(),
    /** Whose command it was: the certificate of the call. */
    commandedBy: z.string(),
    gatheredBy: z.string(),
    reason: z.string(),
    operationId: z.string(),
    startedAt: instant,
    endedAt: instant,
    toolVersion: z.string(),
  }),
  limits: z.record(z.string(), z.number()),
  collectors: z.array(collectorSchema),
  files: z.array(fileSchema),
  notTaken: z.array(notTakenSchema),
  /** Beyond what `notTaken` may hold. */
  notTakenUnlisted: bytes,
});

export type EvidenceManifest = z.infer<typeof manifestSchema>;
export type EvidenceFile = z.infer<typeof fileSchema>;
export type NotTaken = z.infer<typeof notTakenSchema>;
export type CollectorOutcome = z.infer<typeof collectorSchema>;

/** The last entry's text: what was sealed, and the seals. */
export const sealedManifestSchema = z.strictObject({
  manifest: z.unknown(),
  seals: z.array(z.record(z.string(), z.unknown())).max(2),
});
