// Records an intent, says so, and waits to be killed: what a crash in the middle of an effect leaves.
import { Ledger } from '@lockstep/agent/ledger/ledger.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';

const [path = ''] = process.argv.slice(2);
const ledger = Ledger.open({ path, node: 'cp1', cluster: 'lab', now: Date.now });
const epoch = { number: 1n, coordinatorId: 'c1' };
ledger.recordPromise(epoch, 'r-1', Buffer.from('the plan'));
ledger.recordCompletion(ledger.recordIntent('r-1', Step.STEP_STAGE, epoch, { before: 1 }), { after: 2n });
ledger.recordIntent('r-1', Step.STEP_SWAP, epoch, { old: { device: 1n, number: 2n } });
process.stdout.write('recorded\n');
setInterval(() => {}, 1_000);
