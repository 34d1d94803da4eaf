/** Why a family of survivors is harmless, and the ids of its members. */
export interface SurvivorFamily {
  readonly why: string;
  readonly ids: readonly string[];
}

/**
 * Mutants that nothing notices, and why each is harmless. One that is killed since, or exists no
 * more, is left out of the report.
 */
const FAMILIES: readonly SurvivorFamily[] = [
  {
    why: 'Equivalent: the node’s own ledger is counted twice, and says the same.',
    ids: ['b46533664822'],
  },
  {
    why: 'Equivalent: at most one of the two guards can hold, or both say the same, so their order says nothing.',
    ids: [
      '99675560afd4',
      'd668c42a2341',
      'a9682b16ebdf',
      'c574660e5819',
      '9692e46e24bd',
      'a4b7a70cd932',
      '6ddd02cc3d9e',
      '2e44dacd7c20',
      '7b0dc161e991',
      '1b695d20e750',
      'c89866179224',
      '4b65786e7722',
      '7f1463ec5535',
      'fc88eef47ee6',
    ],
  },
  {
    why: 'Equivalent but for words: either guard says “not yet”, or refuses under the same code.',
    ids: ['6cc137ba78f8', 'd3dbcf065f0c', '400f87242b93', '54cd7c6902f6'],
  },
  {
    why: 'Equivalent: the part left out only tells the compiler what the other part implies, or what a caller holds.',
    ids: [
      'ba00e138ce58',
      'e6e941ed3075',
      'd1b8e1428796',
      'c35d9cd689fa',
      '5b2918e32c17',
      '2fe5abc89815',
      '0104de7cdeb5',
      'bd6eb59dc7ed',
      'f0091af94d46',
      'b139b85c3f09',
      '389de3c224eb',
      '6701431ff0ff',
      '12c098c6bd42',
      'dfd719b96b49',
      '140cc5c15cb2',
      '41ef3a85b0bc',
      'f861e1f681b9',
      'b7a1ab5702fd',
      '803481241d42',
      '9da89fe7cfb6',
      '00ac814b7f27',
      '798f4195f2e4',
      'ec0066e546cf',
      '73f167bbaaa3',
      '1888d2da6c8f',
      'eed065dce04f',
      'd8e7330fa23f',
      '898a4f111877',
      '10eadcde99db',
      '024553a5dc06',
      '458e66ebb238',
      '79105d6f7a99',
      '8eb301f7c8cc',
      'd52c8e1782ec',
      'c362fef966f4',
      '61d4e2217869',
      'ebdd8a90674e',
      '4e5c31b5af25',
    ],
  },
  {
    why: 'Equivalent: the bound is never met. Majors other than 3 are not 3, minors 4 and 5 were answered before; no step stands at position 0; the pinned revision is above 0.',
    ids: ['43fdc422b0ad', '5903e3d98330', 'a2482e13c051', 'bc9e0149c4c7', '0fede2ca82c5', '1a65c834d732'],
  },
  {
    why: 'Equivalent: only a cache of the decoded plan; it is decoded anew.',
    ids: ['1a21d3e845a2', '29a14b1e3250'],
  },
  {
    why: 'Second wall: the fence refuses a plan without a part for this node (LEDGER_STRANGER) before it is looked at.',
    ids: ['47aba43f480d', 'e9fc20f10321'],
  },
  {
    why: 'Second wall: entering the commit drops the timer, so that it never fires from there on.',
    ids: ['c603d475567e', '0fb986a7714b'],
  },
  {
    why: 'Second wall: beginning a group drops every timer but that of the longest outage.',
    ids: ['50aec61876f8'],
  },
  {
    why: 'Equivalent: of one node the group before it is empty, and an empty group is over at once.',
    ids: ['0d47d0c65dae'],
  },
  {
    why: 'Second wall: what is no directory, or not there, lists nothing (`absentAsUndefined`).',
    ids: ['b4903873890e'],
  },
  {
    why: 'A bound on memory alone: no test makes 100,000 files. What lies beyond it is still refused or synced entry by entry.',
    ids: ['e41dc0b0549f', 'f6febcfe7e89'],
  },
  {
    why: 'Equivalent: the owner or mode that is set again is the one that is there.',
    ids: ['8d52e0905699', 'f9c5164f741d'],
  },
  {
    why: 'Equivalent: the two do not touch each other (locks on two databases; a note of a model that nothing changes; whether a parent is there).',
    ids: ['30a07cdde5af', 'f75b6c6e716c', 'd63e3790356d', '517dc7547b2d'],
  },
  {
    why: 'Shows only where SELinux is enabled, which no test machine has: labels would be missing or set after the sync, and etcd could not open its own store; the gate refuses then and OLD comes back.',
    ids: ['f5f45228b1c9', '5895c1fba560'],
  },
  {
    why: 'Second wall: a directory that could not be made fails at the first file that is copied into it.',
    ids: ['6888aee93c03'],
  },
  {
    why: 'Another code for a full disk; the copy fails all the same.',
    ids: ['c200848c698e'],
  },
  {
    why: 'Second wall: the walk over the tree, right before, has looked at the same signal; the loop ends at the root, which is always there.',
    ids: ['78e27616bd2c', 'd6f1aef41943'],
  },
  {
    why: 'Second wall: the wall around host paths refuses a path with “..” (PATH_NOT_ALLOWED).',
    ids: ['fcabadabace6'],
  },
  {
    why: 'Equivalent but for words: the same failure under the code of its cause or of its port.',
    ids: ['341958939441', '73c18d055a7a'],
  },
  {
    why: 'Equivalent: a line without a name sets a property without a name, which nobody asks for.',
    ids: ['c1b222a99fda', '65edda8a0ac3'],
  },
  {
    why: 'Seen too early the state is “active”, and the hold fails aloud (KUBELET_HOLD_FAILED): never too weak, only too strict.',
    ids: ['9e327a618233'],
  },
  {
    why: 'Second wall: a takeover begins by settling, which neither aborts nor undoes until the ledgers have said what it may.',
    ids: ['90f22ca55ab1'],
  },
  {
    why: 'Equivalent: a comparison with nothing is false, and who leads nothing owns nothing.',
    ids: ['a42d12c92324', 'd57a1617cba7'],
  },
  {
    why: 'Equivalent: the two bounds meet only where both come to the same number.',
    ids: ['66842cac8e5d'],
  },
  {
    why: 'Equivalent: only one of the guards can hold at a time, or the first of two invariants that break is the one that is told.',
    ids: [
      'd2ab7f91854e',
      '7250b14e5774',
      '8be99e7073c3',
      'c3adef4a6a27',
      'd5f018ee8299',
      'c1e4a93a3355',
      'a561533836d8',
    ],
  },
  {
    why: 'Equivalent: a position past the commit, or an outcome, is only of that stage; others have none.',
    ids: ['554693645093', 'edb7421f842f', '9012f566ff60'],
  },
  {
    why: 'Second wall: no event lowers an epoch; only the survey sets it, and always above.',
    ids: ['b12549577bfc'],
  },
  {
    why: 'Equivalent: a decision to go forward is to the commit or to a step before the gate; entering the commit sets the same flag.',
    ids: ['d2fae662e2b0'],
  },
  {
    why: 'Second wall: the schema is one script, and a ledger without its identity row is refused (LEDGER_UNREADABLE) and made anew by hand; nothing was promised in it yet.',
    ids: ['465875e5f825', '621650f9a398'],
  },
  {
    why: 'Equivalent: two settings of one connection, or two rows of one transaction.',
    ids: ['f7913e871e5b', 'd8923e91ac20', '63a0acabdd9f'],
  },
  {
    why: 'Second wall: a run that is closed has cleared its timers and drops every answer; an ended core refuses events, and a late answer is nobody’s to it.',
    ids: ['48cf0082980d', '3d0daaf16d18', '3e6402eb2693'],
  },
  {
    why: 'Only shown: how often a watcher is told of progress, which decides nothing.',
    ids: ['49b014481d10'],
  },
  {
    why: 'Equivalent: the two do not touch each other: a look at the store, a look at the API, a text that is written.',
    ids: ['71a10595478c', '6e654d533971', '2b5cf432645f', 'c93702498cf5', '8815da3d95d4', 'e461d512c6ab'],
  },
  {
    why: 'Equivalent: nothing recorded and NEW in place cannot be: without a record OLD is what is in place.',
    ids: ['6089e1aa193c'],
  },
  {
    why: 'Equivalent: the state is current only once something was seen; a sum with nothing is no number and compares as false; who is not at home yet has seen only its own name.',
    ids: ['3483a6eb2fdb', '731edbef602c', '0bac56d59ab2', '24f1226a8eef', '64b690dde9dd'],
  },
  {
    why: 'Equivalent: either guard comes to the same wish.',
    ids: ['431793d33df7', 'd9a43f7b1bbf'],
  },
  {
    why: 'Only shown: the pace or the words of progress, or the order of two places that each keep an event.',
    ids: ['9fccca4f0529', '4dfe1ca10548', 'a532e962f213', '1b768e2d8a31', '4dff7389866a'],
  },
  {
    why: 'Equivalent: isPlanned is asked of both stores, and of neither where one is missing; the first two parts only tell the compiler so.',
    ids: ['5bb7416c4d1d', '1844803884b6', '377cb1745051'],
  },
  {
    why: 'Equivalent: what is owed to the members is owed only where there is a baseline.',
    ids: ['f6baf639f6bd'],
  },
  {
    why: 'Equivalent: two looks, with nothing done between them; either alone refuses.',
    ids: ['3331f46e75cc', '0b6334b1d222'],
  },
  {
    why: 'Equivalent: at most one operation runs here, so what ends is what is busy.',
    ids: ['062358d85edc', 'c2775b267d26'],
  },
  {
    why: 'Equivalent: beginStep sets it anew, or the part left out only tells the compiler what the rest implies.',
    ids: ['f5fc6da204e3', '235fe0bb02c5'],
  },
  {
    why: 'Shadowed: the guards exclude each other, or transition.ts refuses before they are reached.',
    ids: ['29219c7691cd', '10f2120bd8b6', '3bec86ee873d', 'd8fd50798c7a'],
  },
  {
    why: 'Equivalent: an empty plan leaves nobody out, and is older than any other.',
    ids: ['a8482a1d7880'],
  },
  {
    why: 'Shadowed: the digest of the whole file is compared afterwards, which no wrong length passes; what came is then pulled anew rather than gone on with.',
    ids: ['86f9a015b67e'],
  },
  {
    why: 'Equivalent: no other reason of an abort bears the name TimeoutError.',
    ids: ['45e531bc7dcf'],
  },
  {
    why: 'Second wall: `find` answers at once with what is current, asks nobody, and then there is no lead to require.',
    ids: ['889bad05becc'],
  },
  {
    why: 'Second wall: the core drops what is said of a question that is over.',
    ids: ['49b014481d10'],
  },
  {
    why: 'Equivalent: every node takes the fence’s steps before the gate, and whoever has no part in an exchange has none in what ends its time.',
    ids: ['6b8836ec40e5'],
  },
  {
    why: 'Equivalent: two plans, or two proofs, of one moment were told apart before.',
    ids: ['417b66bfa997', '8df3f6891e63'],
  },
  {
    why: 'Equivalent: at the bound what is compared is equal, and what is equal is no difference.',
    ids: ['032d6ac2e3c5'],
  },
  {
    why: 'Equivalent: no two of what is sorted have the same id, or come from the same node or store.',
    ids: ['7985e9225d42', 'f580c1968481', '72b80b62bdb2', '3710e082f5b3'],
  },
  {
    why: 'Equivalent: of two of the very same millisecond either is the latest, or both proofs say the same.',
    ids: ['12258bef1375', 'a430612dbbd1', '170ee1559f59', '81bbbdac27a6', '888142f19359'],
  },
  {
    why: 'Equivalent: a comparison with nothing is false, and a line that has no next occurrence never has one.',
    ids: ['635bc327297f', 'c9f0ff8ca26a', '56bdc89f4643', '49e3fb8021c8', '9823d4c9b9b7', '94f17a69365a'],
  },
  {
    why: 'Equivalent: where one copy was proven good that was said before, so a proof that is here is a bad one.',
    ids: ['a2f7084fcb4d'],
  },
  {
    why: 'Second wall: who is asked to take the plan is waited for, so that its answer always finds it pending.',
    ids: ['4f5310c91929'],
  },
  {
    why: 'Equivalent: evidence only reads, and neither it nor the condition that holds nothing yet has a part in the other; both are there before the fence.',
    ids: ['8997d5e8cafa'],
  },
  {
    why: 'Equivalent: etcd’s unit and kubelet are held, and proven stopped, each by itself; the step has ended only after both.',
    ids: ['011c8656adcb', '118197cb4c29', '7eeffb96fceb'],
  },
  {
    why: 'Second wall: systemd’s own count of tasks, open files, locks and listeners are looked at besides the kernel’s list of a control group; a hierarchy that a host does not have lists nothing.',
    ids: ['0908bcd5a55b', '6332b63fa0d7'],
  },
  {
    why: 'Equivalent: where all was written the rest that is written is empty, and costs no call.',
    ids: ['dae3c3376a6b', 'b8b636f4eb57'],
  },
  {
    why: 'Equivalent: the service manager’s program fails with nothing but what is a LockstepError by then.',
    ids: ['5fb67a5e16ed'],
  },
  {
    why: 'Equivalent: each ends an operation of its own, and first looks whether something runs.',
    ids: ['76b6e74a833e'],
  },
  {
    why: 'Equivalent: to remove a card that is not there needs no directory, which is made before it is synced.',
    ids: ['ab37b4c8857f'],
  },
  {
    why: 'Harmless: the attempt fails all the same, in other words perhaps; what came is pulled anew rather than gone on with.',
    ids: ['cf7a39bd8c72', 'c4994651f312', '3652a5dc6d4b'],
  },
  {
    why: 'Harmless: at which priority a reading runs, not what it finds.',
    ids: ['da4d1d8cea45'],
  },
];

export const SURVIVORS: ReadonlyMap<string, string> = new Map(
  FAMILIES.flatMap(({ why, ids }) => ids.map((id) => [id, why] as const)),
);
