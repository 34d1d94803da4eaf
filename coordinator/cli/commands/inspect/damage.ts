import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import { type Damage, readDamaged } from '@lockstep/shared/evidence/damage.ts';
import type { CarvedRow } from '@lockstep/shared/evidence/evidence.ts';
import { isSqlite } from '@lockstep/shared/evidence/open.ts';
import { keyText } from '../../../analysis/asked.ts';
import { utf8 } from '../../../analysis/resource-name.ts';
import type { Answer } from '../../answer.ts';
import { naming } from '../../evidence-file.ts';
import { EXIT } from '../../exit-codes.ts';
import { longAnswer } from '../../long-answer.ts';
import { damagePage, type ReadableRow, rowLine, rowsHead } from '../../render/inspect/damage.ts';

export interface DamageOptions {
  readonly rows: boolean;
}

/** Each page at fault of an etcd file, and what can be read around it. Ends with 8 where there is any. */
export function showDamage(file: string, { rows }: DamageOptions): Answer {
  requireEtcdFile(file);
  const damage = naming(file, () => readDamaged(file, () => {}));
  const exit = damage.faultCount > 0 || damage.missingBytes > 0 ? EXIT.findings : EXIT.done;
  if (!rows) {
    return {
      data: { file, ...damage },
      names: damage.faults.map(({ page }) => String(page)),
      exit,
      render: (layout) => damagePage(layout, file, damage),
    };
  }
  return longAnswer<ReadableRow>({
    head: { file, ...withoutFaults(damage) },
    list: 'rows',
    exit,
    each: (visit) => void readDamaged(file, (row, inTree) => visit(readable(row, inTree))),
    json: ({ key, ...rest }) => ({ ...keyText(key), ...rest }),
    name: ({ key }) => utf8(key),
    before: rowsHead,
    lines: rowLine,
    after: (layout) => ['', ...damagePage(layout, file, damage)],
  });
}

/** SQLite has a reader of its own for what is damaged. Throws USAGE. */
function requireEtcdFile(file: string): void {
  if (!isSqlite(file)) return;
  throw new LockstepError('USAGE', {
    message: `${file} is an SQLite file, as K3s has one; of a damaged one a copy can be read with \`sqlite3 COPY .recover\`.`,
  });
}

function readable({ key, main, deleted, page }: CarvedRow, inTree: boolean): ReadableRow {
  return { key, revision: main, deleted, page, inTree };
}

function withoutFaults({ faults: _named, ...counts }: Damage): Omit<Damage, 'faults'> {
  return counts;
}
