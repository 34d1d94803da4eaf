import { Encrypter } from 'age-encryption';
import { z } from 'zod';

const realPath = z.string().regex(/^\/[^\0]*$/, 'must be an absolute path');
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be a plain name');

const DAYS_OF_A_CENTURY = 36_525;
const MIN_STALL_TIMEOUT_MS = 1_000;
const MAX_STALL_TIMEOUT_MS = 10 * 60_000;
const DEFAULT_STALL_TIMEOUT_MS = 60_000;
const MAX_STORES = 16;
const MAX_RECIPIENTS = 32;
const MAX_NODES = 64;

const s3 = z.strictObject({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
  region: z.string().min(1).default('us-east-1'),
  /** Left out: AWS's own for the region. */
  endpoint: z
    .url({ protocol: /^https?$/, error: 'must be http:// or https://' })
    .refine((url) => !/^\w+:\/\/[^/]*@/.test(url), 'must not hold credentials')
    .optional(),
  /** `ENDPOINT/BUCKET/NAME` in the place of `BUCKET.ENDPOINT/NAME`: what most servers but AWS want. */
  pathStyle: z.boolean().default(false),
  /** In front of every name; ends with a slash, or is empty. */
  prefix: z
    .string()
    .regex(/^(?:[\w.-]+\/)*$/, 'must end with a slash, and hold plain names')
    .default(''),
  /** As AWS's tools write one. Left out: the SDK's own chain (environment, role of the machine). */
  credentialsFile: realPath.optional(),
  profile: z.string().min(1).default('default'),
  /** A CA to trust beside the system's. */
  caFile: realPath.optional(),
  /** Sent with every part, and checked by the server. */
  checksum: z.enum(['sha256', 'crc32']).default('sha256'),
  /** Nobody can delete or change a copy for so long, in a bucket that is made for it. */
  lock: z
    .strictObject({
      mode: z.enum(['governance', 'compliance']),
      days: z.int().min(1).max(DAYS_OF_A_CENTURY),
    })
    .optional(),
});

const store = z
  .strictObject({
    name,
    directory: z.strictObject({ path: realPath }).optional(),
    s3: s3.optional(),
    /** Said in so many words, for a store whose own encryption is enough. */
    unencrypted: z.boolean().default(false),
    /** A store that makes no progress for so long is given up. */
    stallTimeoutMs: z
      .int()
      .min(MIN_STALL_TIMEOUT_MS)
      .max(MAX_STALL_TIMEOUT_MS)
      .default(DEFAULT_STALL_TIMEOUT_MS),
  })
  .refine(
    (each) => (each.directory === undefined) !== (each.s3 === undefined),
    'must have one of: directory, s3',
  );

export const storesSchema = z
  .array(store)
  .max(MAX_STORES)
  .default([])
  .refine((stores) => new Set(stores.map((each) => each.name)).size === stores.length, 'names a store twice');

export const recipientsSchema = z
  .array(z.string().refine(isRecipient, 'must be an age recipient: age1…'))
  .max(MAX_RECIPIENTS)
  .default([]);

/** What a save makes by itself afterwards. */
export const copiesSchema = z
  .strictObject({
    /** On so many nodes' disks, the one that it was taken on among them. */
    nodes: z.int().min(1).max(MAX_NODES).default(1),
    /** Names of stores. */
    stores: z.array(name).default([]),
  })
  .default({ nodes: 1, stores: [] });

export type StoreConfig = z.infer<typeof store>;
export type S3Config = z.infer<typeof s3>;
export type CopiesConfig = z.infer<typeof copiesSchema>;

export interface StoresPart {
  readonly stores: readonly StoreConfig[];
  readonly recipients: readonly string[];
  readonly copies: CopiesConfig;
  readonly nodes: readonly { readonly name: string }[];
}

/** What one setting says of another, as [field, words]; empty where all is well. */
export function storesFaults({ stores, recipients, copies, nodes }: StoresPart): [string, string][] {
  const faults: [string, string][] = [];
  const names = new Set(stores.map((each) => each.name));
  for (const missing of copies.stores.filter((each) => !names.has(each))) {
    faults.push(['copies.stores', `names ${missing}, which is none of the stores`]);
  }
  for (const { name: clash } of stores.filter((each) => nodes.some((node) => node.name === each.name))) {
    faults.push(['stores', `${clash} is the name of a node`]);
  }
  const open = stores.find((each) => !each.unencrypted);
  if (open !== undefined && recipients.length === 0) {
    faults.push([
      'recipients',
      `must name who can open what is stored in ${open.name}, or that store is said to be unencrypted`,
    ]);
  }
  return faults;
}

function isRecipient(text: string): boolean {
  try {
    new Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}
