import { SnapshotCard } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { describe, expect, it } from 'vitest';
import { type Countersigned, whyNotCountersign } from './countersign.ts';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const MINUTE_MS = 60_000;
const SHA256 = 'ab'.repeat(32);

function asked(
  change: Omit<Partial<SnapshotCard>, 'facts'> & { facts?: object | undefined } = {},
  of: Partial<Countersigned> = {},
): string | undefined {
  const whole = { fileSha256: SHA256, contentSha256: SHA256, fileSizeBytes: 1n, status: { revision: 1n } };
  const facts = 'facts' in change && change.facts === undefined ? undefined : { ...whole, ...change.facts };
  const card = SnapshotCard.fromPartial({
    id: 's-1',
    cluster: 'lab',
    node: 'cp1',
    takenAt: new Date(NOW_MS).toISOString(),
    ...change,
    facts,
  });
  return whyNotCountersign({
    card,
    agentSignedMs: NOW_MS,
    node: 'cp1',
    cluster: 'lab',
    nowMs: NOW_MS,
    ...of,
  });
}

const at = (ms: number): string => new Date(ms).toISOString();

describe('a coordinator countersigns', () => {
  it('what it asked that node for, just now, where the card says which bytes it is of', () => {
    expect(asked()).toBeUndefined();
    expect(asked({}, { agentSignedMs: NOW_MS - 5 * MINUTE_MS })).toBeUndefined();
    expect(asked({}, { agentSignedMs: NOW_MS + 5 * MINUTE_MS })).toBeUndefined();
    // A large store, and a clock that was set back since the snapshot before.
    expect(asked({ takenAt: at(NOW_MS - 24 * 60 * MINUTE_MS) })).toBeUndefined();
    expect(asked({ takenAt: at(NOW_MS + 15 * MINUTE_MS) })).toBeUndefined();
  });

  it.each<[string, string | undefined, RegExp]>([
    ['of another node', asked({ node: 'cp2' }), /cp1 was asked; the card is of cp2/],
    ['of another cluster', asked({ cluster: 'other' }), /of cluster other/],
    ['that was signed long before', asked({}, { agentSignedMs: NOW_MS - 5 * MINUTE_MS - 1 }), /signed at/],
    ['that was signed in the future', asked({}, { agentSignedMs: NOW_MS + 5 * MINUTE_MS + 1 }), /signed at/],
    [
      'that says it was taken the day before',
      asked({ takenAt: at(NOW_MS - 24 * 60 * MINUTE_MS - 1) }),
      /taken at/,
    ],
    ['that says it was taken later', asked({ takenAt: at(NOW_MS + 15 * MINUTE_MS + 1) }), /taken at/],
    ['that does not say when', asked({ takenAt: 'some day' }), /taken at some day/],
    ['without the file’s digest', asked({ facts: { fileSha256: '' } }), /which bytes/],
    ['with half a digest', asked({ facts: { fileSha256: 'ab' } }), /which bytes/],
    ['without the content’s digest', asked({ facts: { contentSha256: '' } }), /which bytes/],
    ['of no bytes', asked({ facts: { fileSizeBytes: 0n } }), /which bytes/],
    ['without a revision', asked({ facts: { status: undefined } }), /which bytes/],
    ['without facts', asked({ facts: undefined }), /which bytes/],
  ])('no card %s', (_name, why, words) => {
    expect(why).toMatch(words);
  });
});
