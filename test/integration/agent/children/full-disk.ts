// On a disk that it fills to the last byte: how many records the ledger still takes.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from '@lockstep/agent/ledger/ledger.ts';
import { asLockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { Step } from '@lockstep/shared/generated/lockstep/v1/agent.ts';

const [directory = '', reserve = ''] = process.argv.slice(2);
const RECORDS = 200;
const epoch = { number: 1n, coordinatorId: 'c1' };
const ledger = Ledger.open({
  path: join(directory, 'ledger.db'),
  node: 'cp1',
  cluster: 'lab',
  now: Date.now,
});
ledger.recordPromise(epoch, 'r-1', Buffer.from('the plan'));
if (reserve === 'without-reserve') rmSync(join(directory, 'ledger.db.reserve'));

fillUp();

let recorded = 0;
let code = '';
try {
  for (; recorded < RECORDS; recorded += 1) {
    // Others write on, and take whatever is given back and not used.
    if (reserve === 'among-others') fillUp();
    ledger.recordIntent('r-1', Step.STEP_STAGE, epoch, 'x'.repeat(reserve === 'among-others' ? 400 : 4_000));
  }
} catch (error) {
  code = asLockstepError(error).code;
}
const kept = ledger.operation('r-1')?.effects.length;
process.stdout.write(JSON.stringify({ recorded, code, kept }));
ledger.close();

function fillUp(): void {
  const filler = openSync(join(directory, 'filler'), 'a');
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      if (writeSync(filler, Buffer.alloc(size)) < size) size = Math.floor(size / 2);
    } catch {
      size = Math.floor(size / 2);
    }
  }
  closeSync(filler);
}
