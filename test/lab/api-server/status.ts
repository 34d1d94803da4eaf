/** A refusal in the API's own words: an HTTP code and a `Status` object. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.reason = reason;
  }
}

export interface StatusObject {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Record<string, never>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly code: number;
}

export function toStatus(error: ApiError): StatusObject {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    code: error.code,
  };
}

export const SUCCESS: StatusObject = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  code: 200,
};

export const notFound = (resource: string, name: string): ApiError =>
  new ApiError(404, 'NotFound', `${resource} "${name}" not found`);

export const alreadyExists = (resource: string, name: string): ApiError =>
  new ApiError(409, 'AlreadyExists', `${resource} "${name}" already exists`);

export const conflict = (resource: string, name: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

/** A revision that history no longer reaches: the client must list again. */
export const tooOld = (wanted: bigint, oldest: bigint): ApiError =>
  new ApiError(410, 'Expired', `too old resource version: ${wanted} (${oldest})`);

export const compacted = (): ApiError =>
  new ApiError(
    410,
    'Expired',
    'The provided continue parameter or resourceVersion is too old: etcdserver: mvcc: required revision has been compacted',
  );

/** A revision that this server has not seen: after a rewind, one that will not come for long. */
export const tooLarge = (wanted: bigint, current: bigint): ApiError =>
  new ApiError(504, 'Timeout', `Too large resource version: ${wanted}, current: ${current}`);
