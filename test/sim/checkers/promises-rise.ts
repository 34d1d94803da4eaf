import { type Invariant, isExcused, perNode } from './invariant.ts';

/** The fence of each agent. Excused is the one fault that takes promises away: a ledger lost or rewound. */
export const promisesRise: Invariant = {
  name: 'promises-rise',
  promise: 'The epochs that an agent promises strictly rise, and its ledger only grows.',
  watch() {
    let before: { records: number; ledgerId: string; promised: bigint; coordinatorId: string }[] | undefined;
    return (world) => {
      before ??= perNode(world, ({ ledger }) => ({
        records: ledger.records,
        ledgerId: ledger.ledgerId,
        promised: ledger.promised?.number ?? 0n,
        coordinatorId: ledger.promised?.coordinatorId ?? '',
      }));
      for (const { ledger, index, name } of world.nodes) {
        const then = before[index];
        if (then === undefined || (ledger.records === then.records && ledger.ledgerId === then.ledgerId))
          continue;
        const { number, coordinatorId } = ledger.promised ?? { number: 0n, coordinatorId: '' };
        const sank = ledger.records < then.records || ledger.ledgerId !== then.ledgerId;
        const fell =
          number < then.promised || (number === then.promised && coordinatorId !== then.coordinatorId);
        const was = `${then.promised} of ${then.coordinatorId}`;
        then.records = ledger.records;
        then.ledgerId = ledger.ledgerId;
        then.promised = number;
        then.coordinatorId = coordinatorId;
        if ((!sank && !fell) || isExcused(world, 'ledger-only-grows', index)) continue;
        return sank
          ? `${name}: its ledger lost records`
          : `${name}: promised ${number} of ${coordinatorId} after ${was}`;
      }
      return undefined;
    };
  },
};
