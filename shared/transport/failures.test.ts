import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { LockstepError } from '../errors/lockstep-error.ts';
import { fromServiceError, toServiceError } from './failures.ts';
import { MAX_FAILURE_BYTES } from './limits.ts';

const TARGET = '10.0.0.1:7443';

function plain(code: status, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}

function travelled(thrown: unknown): LockstepError {
  const arrived: ServiceError = Object.assign(new Error('call'), toServiceError(thrown));
  return fromServiceError(arrived, TARGET);
}

describe('a failure that travels', () => {
  test('keeps code, words, node and causes', () => {
    const cause = new LockstepError('TOOL_MISSING', { message: 'no etcdutl', cause: new Error('ENOENT') });
    const arrived = travelled(
      new LockstepError('NODE_INSPECTION_FAILED', { message: 'cannot', node: 'cp2', cause }),
    );
    expect(arrived).toMatchObject({
      code: 'NODE_INSPECTION_FAILED',
      message: 'cannot',
      node: 'cp2',
      cause: { message: 'TOOL_MISSING: no etcdutl', cause: { message: 'ENOENT' } },
    });
  });

  test('is INTERNAL where it was not ours', () => {
    expect(travelled(new TypeError('x is undefined'))).toMatchObject({
      code: 'INTERNAL',
      message: 'x is undefined',
    });
  });

  test('fits into the trailers however much it says', () => {
    const huge = new LockstepError('INTERNAL', {
      message: 'm'.repeat(1_000_000),
      cause: new Error('c'.repeat(1_000_000)),
    });
    const sent = toServiceError(huge);
    expect((sent.metadata.get('lockstep-failure-bin')[0] as Buffer).length).toBeLessThanOrEqual(
      MAX_FAILURE_BYTES,
    );
    expect(travelled(huge).message).toMatch(/^m+…$/);
  });
});

describe('a call that failed before any handler', () => {
  test.each([
    [
      status.UNAVAILABLE,
      'No connection established. Last error: connect ECONNREFUSED 10.0.0.1:7443. Resolution note: ',
      'UNREACHABLE',
      `${TARGET} is unreachable: connect ECONNREFUSED 10.0.0.1:7443`,
    ],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: NOT_AUTHENTICATED: The agent cp2 of cluster lab answered. Resolution note: ',
      'NOT_AUTHENTICATED',
      `${TARGET}: The agent cp2 of cluster lab answered`,
    ],
    [
      status.UNAVAILABLE,
      'Last error: SSL routines:ssl3_read_bytes:tlsv13 alert certificate required',
      'NOT_AUTHENTICATED',
      `${TARGET} refused this program’s certificate.`,
    ],
    [
      status.DEADLINE_EXCEEDED,
      'Deadline exceeded',
      'UNREACHABLE',
      `${TARGET} did not answer within the deadline.`,
    ],
    [status.UNIMPLEMENTED, 'no such method', 'INTERNAL', `${TARGET}: no such method`],
  ])('status %i, "%s" is %s', (code, details, expected, message) => {
    expect(fromServiceError(plain(code, details), TARGET)).toMatchObject({ code: expected, message });
  });
});
