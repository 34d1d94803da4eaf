import type { ErrorCode } from '@lockstep/shared/errors/catalogue.ts';
import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';

/** Names that S3 servers give to what went wrong, by what it means here. */
const CODES: readonly (readonly [ErrorCode, RegExp])[] = [
  ['STORE_MISSING', /^NoSuchBucket$/],
  ['COPY_NOT_FOUND', /^(NoSuchKey|NotFound|NoSuchVersion)$/],
  ['STORE_ALTERED', /BadDigest|InvalidDigest|ContentSHA256Mismatch|ChecksumMismatch|InvalidPart$/],
  ['STORE_FULL', /QuotaExceeded|StorageFull|InsufficientStorage|NoSpace/i],
  [
    'STORE_DENIED',
    /AccessDenied|Forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|TokenRefreshRequired|InvalidToken|AuthFailure|Unauthorized|CredentialsProviderError|RequestTimeTooSkewed|AccountProblem|NotSignedUp/,
  ],
  [
    'STORE_UNREACHABLE',
    /^(TimeoutError|AbortError|RequestTimeout|SlowDown|ServiceUnavailable|InternalError|503|NetworkingError)$|^(ECONN|ETIMEDOUT|ENOTFOUND|EPIPE|EAI_|EHOST|ENET)/,
  ],
];

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'STORE_DENIED',
  403: 'STORE_DENIED',
  404: 'COPY_NOT_FOUND',
  429: 'STORE_UNREACHABLE',
  507: 'STORE_FULL',
};

const TLS = /certificate|self.signed|CERT_|ERR_TLS|EPROTO/i;

/**
 * What the SDK threw, as one of ours. Only name and words of it go on: the object itself carries
 * the request with its signature.
 */
export function fromS3(thrown: unknown, where: string): LockstepError {
  if (thrown instanceof LockstepError) return thrown;
  const { name, code, message, status } = partsOf(thrown);
  const words = [name, code].filter((each) => each !== '' && each !== 'Error');
  const cause = new Error(`${words.join(' ') || 'Error'}: ${message}`);
  return new LockstepError(codeOf(words, status, message), { message: `${where}: ${cause.message}`, cause });
}

function codeOf(words: readonly string[], status: number, message: string): ErrorCode {
  for (const [ours, theirs] of CODES) {
    if (words.some((word) => theirs.test(word))) return ours;
  }
  const byStatus = BY_STATUS[status];
  if (byStatus !== undefined) return byStatus;
  if (words.some((word) => TLS.test(word)) || TLS.test(message)) return 'STORE_UNREACHABLE';
  if (
    status >= 500 ||
    /socket hang up|aborted|premature|connection (?:was )?(?:reset|closed)/i.test(message)
  ) {
    return 'STORE_UNREACHABLE';
  }
  return 'STORE_FAILED';
}

function partsOf(thrown: unknown): { name: string; code: string; message: string; status: number } {
  if (!(thrown instanceof Error)) return { name: '', code: '', message: String(thrown), status: 0 };
  const extra = thrown as Error & { code?: unknown; Code?: unknown; $metadata?: { httpStatusCode?: number } };
  const code = [extra.Code, extra.code].find((each) => typeof each === 'string');
  return {
    name: thrown.name,
    code: typeof code === 'string' && code !== thrown.name ? code : '',
    message: thrown.message,
    status: extra.$metadata?.httpStatusCode ?? 0,
  };
}
