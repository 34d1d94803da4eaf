import type { Failure } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import type { Revocation } from '@lockstep/shared/generated/lockstep/v1/snapshot.ts';
import { clean, type Layout, tone, wrap } from './layout.ts';
import { failure } from './refusals.ts';
import { type Column, table } from './table.ts';
import { instant, plural } from './units.ts';
import { personWord } from './words.ts';

const COLUMNS: Column<Revocation>[] = [
  { title: 'SIGNER', value: ({ signer }) => signerWord(signer) },
  { title: 'NOT TRUSTED SINCE', value: ({ since }) => instant(since) },
  { title: 'BY', value: ({ by }) => personWord(by), dropAt: 2 },
  { title: 'SAID', value: ({ at }) => instant(at), wide: true, dropAt: 3 },
  { title: 'REASON', value: ({ reason }) => reason, dropAt: 1 },
];

export function trustList(
  layout: Layout,
  revocations: readonly Revocation[],
  failures: readonly Failure[],
): string[] {
  const list =
    revocations.length === 0
      ? wrap(layout, 'Nobody’s word was withdrawn: every agent and coordinator that the CA names may seal.')
      : table(layout, COLUMNS, revocations);
  return [...list, ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)])];
}

export function revokedPage(
  layout: Layout,
  signer: string,
  withdrawn: readonly string[],
  failures: readonly Failure[],
): string[] {
  return [
    ...wrap(
      layout,
      `${clean(layout, signer)} is not trusted any more; ${plural(withdrawn.length, 'snapshot')} on the nodes with it.`,
    ),
    ...withdrawn.map((id) => tone(layout, 'yellow', `  ${clean(layout, id)}`)),
    // A name that was mistyped is nobody's, and is taken: a node that is gone can be meant.
    ...(withdrawn.length > 0
      ? []
      : wrap(
          layout,
          'Nothing that the nodes hold was sealed by it since then. Is that its name? See: lockstep node list',
        )),
    ...failures.flatMap((one) => ['', ...failure(layout, one, layout.wide)]),
  ];
}

/** "agent/cp1, coordinator/bastion": who sealed it, without the cluster, which is on the card. */
export function signerWord(uri: string): string {
  return uri.replace(/^lockstep:\/\/[^/]+\//, '');
}
