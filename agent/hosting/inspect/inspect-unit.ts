import { LockstepError } from '@lockstep/shared/errors/lockstep-error.ts';
import type { UnitReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';

import type { ProcessTable } from '../../adapters/process-table.ts';
import { isStopped, parseUnitState, type UnitHold } from '../../adapters/systemd.ts';
import { type EtcdUnit, type EtcdUnitFiles, OWN_DROP_IN } from '../systemd/etcd-unit-files.ts';
import type { InspectionNotes } from './inspection-notes.ts';

export interface UnitInspection {
  readonly unit: EtcdUnit;
  readonly files: Pick<EtcdUnitFiles, 'leadToTheSame'>;
  readonly hold: UnitHold;
  readonly processes: ProcessTable;
  /** "/", or what stands before every path that a process of this host sees. */
  readonly hostRoot: string;
  readonly notes: InspectionNotes;
}

/**
 * The unit as its files say and as the service manager has it. Both must say the same, and so must
 * the process that runs: a plan rests on the files, and what will be started is what is loaded.
 */
export async function inspectUnit(
  { unit, files, hold, processes, hostRoot, notes }: UnitInspection,
  signal: AbortSignal,
): Promise<UnitReport> {
  const shown = await hold.properties(
    ['ActiveState', 'MainPID', 'LoadState', 'NeedDaemonReload', 'DropInPaths', 'FragmentPath'],
    signal,
  );
  const state = parseUnitState([...shown].map(([name, value]) => `${name}=${value}`).join('\n'));
  const differs = (words: string): void => {
    notes.add(new LockstepError('NODE_INSPECTION_FAILED', { message: `${hold.unit}: ${words}.` }));
  };
  if (state.needDaemonReload) differs('its files were changed since systemd read them (daemon-reload)');
  const fragmentPath = shown.get('FragmentPath') ?? '';
  if (!files.leadToTheSame([fragmentPath], [unit.fragmentPath])) {
    differs(`systemd has it from '${fragmentPath}', and '${unit.fragmentPath}' is what was read`);
  }
  const dropIns = state.dropInPaths.filter((path) => !path.endsWith(`/${OWN_DROP_IN}`));
  if (!files.leadToTheSame(dropIns, unit.dropIns)) {
    differs(`systemd has the drop-ins ${listOf(dropIns)}, and ${listOf(unit.dropIns)} were read`);
  }
  const running = isStopped(state) ? [] : runningWords(processes.commandLine(state.mainPid), hostRoot);
  if (running.length > 0 && running.slice(1).join('\n') !== unit.words.slice(1).join('\n')) {
    differs('the etcd that runs was started with other flags than the unit has now');
  }
  return {
    unit: hold.unit,
    active: state.activeState === 'active',
    fragmentPath,
    dropIns,
    files: [...unit.files],
    user: unit.user,
    group: unit.group,
  };
}

/** As the unit would write them: a host root stands before each path that the process sees. */
function runningWords(words: readonly string[], hostRoot: string): string[] {
  return hostRoot === '/' ? [...words] : words.map((word) => word.replaceAll(hostRoot, ''));
}

function listOf(paths: readonly string[]): string {
  return paths.length === 0 ? '(none)' : paths.join(', ');
}
