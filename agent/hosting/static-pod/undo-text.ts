import { posix } from 'node:path';

import type { NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';

import type { UndoPaths } from '../../ports.ts';
import { COMPONENTS } from './manifest.ts';

export interface UndoSettings {
  readonly runtimeSocket: string;
  readonly holdFile: string;
  readonly dropIn: string;
}

/**
 * The words that a person with nothing but a shell brings OLD back by. Literal: every path and
 * number is this node's own, nothing is left to fill in, and each step may be done twice.
 */
export function undoText(plan: NodePlan, paths: UndoPaths, settings: UndoSettings): string {
  const dataDir = plan.etcd?.dataDir ?? '';
  const isMount = plan.etcd?.oldStore?.isMountPoint ?? false;
  const inPlace = isMount ? posix.join(dataDir, 'member') : dataDir;
  const db = posix.join(inPlace, isMount ? 'snap/db' : 'member/snap/db');
  const aside = `${paths.otherStore}.new`;
  const crictl = `crictl --runtime-endpoint ${quote(`unix://${settings.runtimeSocket}`)}`;
  const ours = COMPONENTS.flatMap((component) => {
    const manifest = plan.manifests.find((one) => one.component === component);
    return manifest === undefined ? [] : [{ component, fileName: manifest.fileName }];
  });
  const live = (name: string): string => quote(posix.join(plan.staticPodPath, name));
  const parked = (name: string): string => quote(posix.join(paths.parkedDir, name));
  const move = (from: string, to: string): string => `[ ! -e ${from} ] || mv -n ${from} ${to}`;

  return `${[
    `Lockstep, operation ${paths.operationId}, node ${plan.node}: the old store brought back by hand.`,
    '',
    'As root, on this node. First ask the agent, which does all of this and checks it:',
    '',
    '    lockstep-agent undo --local',
    '',
    'If the restore was committed, clients have written to the new store. Those writes die here.',
    'Do steps 1 to 5 on EVERY node before step 6 on any: an old and a new member must never run together.',
    '',
    '1. Keep kubelet stopped.',
    '',
    `    [ -e ${quote(settings.dropIn)} ] || echo 'NO CONDITION IN PLACE: a reboot would start kubelet'`,
    `    echo ${quote(paths.operationId)} > ${quote(settings.holdFile)}`,
    `    systemctl stop ${quote(plan.kubeletUnit)}`,
    `    systemctl show ${quote(plan.kubeletUnit)} -p ActiveState -p MainPID     # inactive, 0`,
    '',
    '2. Take the manifests out.',
    '',
    `    mkdir -p ${quote(paths.parkedDir)}`,
    ...ours.map(({ fileName }) => `    ${move(live(fileName), parked(fileName))}`),
    '    sync',
    '',
    '3. Stop what still runs.',
    '',
    ...ours.map(
      ({ component }) =>
        `    ${crictl} ps -q --label io.kubernetes.container.name=${component} --label io.kubernetes.pod.namespace=kube-system | xargs -r ${crictl} stop --timeout 0`,
    ),
    '',
    '4. See that nobody has the store open. Both must print nothing:',
    '',
    `    ls -l /proc/[0-9]*/fd 2>/dev/null | grep -F ${quote(db)}`,
    `    grep ":$(stat -c %i ${quote(db)}) " /proc/locks`,
    '',
    '5. Is the old store in place? Its database has this inode number:',
    '',
    `    OLD=${plan.etcd?.oldStore?.dbInode?.number ?? 0n}`,
    `    stat -c %i ${quote(db)}`,
    '',
    '   If that printed the same number, it is in place: go on with step 6. If not, exchange the two:',
    '',
    `    [ "$(stat -c %i ${quote(db)})" = "$OLD" ] || mv -T ${quote(inPlace)} ${quote(aside)}`,
    `    [ -e ${quote(inPlace)} ] || mv -T ${quote(paths.otherStore)} ${quote(inPlace)}`,
    `    [ ! -e ${quote(aside)} ] || mv -T ${quote(aside)} ${quote(paths.otherStore)}`,
    '    sync',
    `    [ "$(stat -c %i ${quote(db)})" = "$OLD" ] && echo 'the old store is in place'`,
    '',
    '   Unless the last line says so, stop here.',
    '',
    '6. Put the manifests back and let kubelet start them, once steps 1 to 5 are done on every node.',
    '',
    ...ours.map(({ fileName }) => `    ${move(parked(fileName), live(fileName))}`),
    '    sync',
    `    rm -f ${quote(settings.holdFile)}`,
    `    systemctl start ${quote(plan.kubeletUnit)}`,
    '',
    '7. Then tell the coordinator: lockstep restore resume.',
  ].join('\n')}\n`;
}

/** One word for a shell, whatever is in it. */
function quote(word: string): string {
  return /^[\w./:@%+=-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
