import { posix } from 'node:path';

import type { EtcdMemberPlan, NodePlan } from '@lockstep/shared/generated/lockstep/v1/plan.ts';
import { runsKubelet } from '@lockstep/shared/plan/part.ts';

import type { UndoPaths } from '../ports.ts';
import { COMPONENTS } from './static-pod/manifest.ts';

/** How a unit is kept from starting. */
export interface HeldUnit {
  readonly holdFile: string;
  readonly dropIn: string;
}

export interface UndoSettings extends HeldUnit {
  readonly runtimeSocket: string;
  /** Where etcd is a unit. */
  readonly etcdUnit?: HeldUnit;
}

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

/**
 * The words that a person with nothing but a shell brings OLD back by. Literal: every path and
 * number is this node's own, nothing is left to fill in, and each step may be done twice.
 */
export function undoText(plan: NodePlan, paths: UndoPaths, settings: UndoSettings): string {
  const { etcd } = plan;
  const before = [
    holdSection(plan, paths, settings),
    ...(runsKubelet(plan) ? [parkSection(plan, paths)] : []),
    stopSection(plan, settings),
    ...(etcd === undefined || paths.otherStore === undefined
      ? []
      : [unusedSection(etcd), exchangeSection(etcd, paths.otherStore)]),
  ];
  const last = before.length + 1;
  const sections = [...before, returnSection(plan, paths, settings, last)];
  return `${[
    `Lockstep, operation ${paths.operationId}, node ${plan.node}: the old store brought back by hand.`,
    '',
    'As root, on this node. First ask the agent, which does all of this and checks it:',
    '',
    '    lockstep-agent undo --local',
    '',
    ...(etcd === undefined
      ? [
          'This node has no member of etcd: nothing of the store is here, and the members go back on their hosts.',
        ]
      : []),
    'If the restore was committed, clients have written to the new store. Those writes die here.',
    `Do steps 1 to ${last - 1} on EVERY node before step ${last} on any: an old and a new member must never run together.`,
    '',
    ...sections.flatMap(({ title, lines }, index) => [`${index + 1}. ${title}`, '', ...lines, '']),
    `${last + 1}. Then tell the coordinator: lockstep restore resume.`,
  ].join('\n')}\n`;
}

function holdSection(plan: NodePlan, { operationId }: UndoPaths, settings: UndoSettings): Section {
  const hold = (unit: string, { holdFile, dropIn }: HeldUnit): string[] => [
    `    [ -e ${quote(dropIn)} ] || echo 'NO CONDITION IN PLACE: a reboot would start ${nameOf(unit)}'`,
    `    echo ${quote(operationId)} > ${quote(holdFile)}`,
    `    systemctl stop ${quote(unit)}`,
    `    systemctl show ${quote(unit)} -p ActiveState -p MainPID     # inactive, 0`,
  ];
  const kubelet = runsKubelet(plan) ? hold(plan.kubeletUnit, settings) : [];
  const { etcdUnit } = settings;
  const etcd = etcdUnit === undefined || plan.etcdUnit === '' ? [] : hold(plan.etcdUnit, etcdUnit);
  const names = [...(kubelet.length > 0 ? ['kubelet'] : []), ...(etcd.length > 0 ? ['etcd'] : [])];
  return { title: `Keep ${names.join(' and ')} stopped.`, lines: [...kubelet, ...etcd] };
}

function parkSection(plan: NodePlan, { parkedDir }: UndoPaths): Section {
  return {
    title: 'Take the manifests out.',
    lines: [
      `    mkdir -p ${quote(parkedDir)}`,
      ...ourFiles(plan).map(({ fileName }) => move(plan.staticPodPath, parkedDir, fileName)),
      '    sync',
    ],
  };
}

function stopSection(plan: NodePlan, { runtimeSocket }: UndoSettings): Section {
  const crictl = `crictl --runtime-endpoint ${quote(`unix://${runtimeSocket}`)}`;
  return {
    title: 'Stop what still runs.',
    lines: [
      ...(plan.etcdUnit === '' ? [] : [`    systemctl kill -s SIGKILL ${quote(plan.etcdUnit)}`]),
      ...ourFiles(plan).map(
        ({ component }) =>
          `    ${crictl} ps -q --label io.kubernetes.container.name=${component} --label io.kubernetes.pod.namespace=kube-system | xargs -r ${crictl} stop --timeout 0`,
      ),
    ],
  };
}

function unusedSection(etcd: EtcdMemberPlan): Section {
  const { db } = placesOf(etcd);
  return {
    title: 'See that nobody has the store open. Both must print nothing:',
    lines: [
      `    ls -l /proc/[0-9]*/fd 2>/dev/null | grep -F ${quote(db)}`,
      `    grep ":$(stat -c %i ${quote(db)}) " /proc/locks`,
    ],
  };
}

function exchangeSection(etcd: EtcdMemberPlan, otherStore: string): Section {
  const { inPlace, db } = placesOf(etcd);
  const aside = `${otherStore}.new`;
  return {
    title: 'Is the old store in place? Its database has this inode number:',
    lines: [
      `    OLD=${etcd.oldStore?.dbInode?.number ?? 0n}`,
      `    stat -c %i ${quote(db)}`,
      '',
      '   If that printed the same number, it is in place: go on with the next step. If not, exchange the two:',
      '',
      `    [ "$(stat -c %i ${quote(db)})" = "$OLD" ] || mv -T ${quote(inPlace)} ${quote(aside)}`,
      `    [ -e ${quote(inPlace)} ] || mv -T ${quote(otherStore)} ${quote(inPlace)}`,
      `    [ ! -e ${quote(aside)} ] || mv -T ${quote(aside)} ${quote(otherStore)}`,
      '    sync',
      `    [ "$(stat -c %i ${quote(db)})" = "$OLD" ] && echo 'the old store is in place'`,
      '',
      '   Unless the last line says so, stop here.',
    ],
  };
}

function returnSection(
  plan: NodePlan,
  { parkedDir }: UndoPaths,
  settings: UndoSettings,
  number: number,
): Section {
  const { etcdUnit } = settings;
  const start = (unit: string, { holdFile }: HeldUnit, how = 'start'): string[] => [
    `    rm -f ${quote(holdFile)}`,
    `    systemctl ${how} ${quote(unit)}`,
  ];
  const etcd =
    etcdUnit === undefined || plan.etcdUnit === ''
      ? []
      : // Without waiting: a unit of Type=notify is ready once the others are there as well.
        [
          `    systemctl reset-failed ${quote(plan.etcdUnit)}`,
          ...start(plan.etcdUnit, etcdUnit, 'start --no-block'),
        ];
  const kubelet = runsKubelet(plan)
    ? [
        ...ourFiles(plan).map(({ fileName }) => move(parkedDir, plan.staticPodPath, fileName)),
        '    sync',
        ...start(plan.kubeletUnit, settings),
      ]
    : [];
  const what = kubelet.length > 0 ? 'Put the manifests back and let kubelet start them' : 'Start etcd';
  return {
    title: `${what}, once steps 1 to ${number - 1} are done on every node.`,
    lines: [...etcd, ...kubelet],
  };
}

/** What an exchange exchanges, and the database in what is in place. */
function placesOf({ dataDir, oldStore }: EtcdMemberPlan): { inPlace: string; db: string } {
  return oldStore?.isMountPoint === true
    ? { inPlace: posix.join(dataDir, 'member'), db: posix.join(dataDir, 'member/snap/db') }
    : { inPlace: dataDir, db: posix.join(dataDir, 'member/snap/db') };
}

function ourFiles(plan: NodePlan): { component: string; fileName: string }[] {
  return COMPONENTS.flatMap((component) => {
    const manifest = plan.manifests.find((one) => one.component === component);
    return manifest === undefined ? [] : [{ component, fileName: manifest.fileName }];
  });
}

function move(fromDir: string, toDir: string, fileName: string): string {
  const [from, to] = [quote(posix.join(fromDir, fileName)), quote(posix.join(toDir, fileName))];
  return `    [ ! -e ${from} ] || mv -n ${from} ${to}`;
}

/** "kubelet" of "kubelet.service". */
function nameOf(unit: string): string {
  return unit.replace(/\.service$/u, '');
}

/** One word for a shell, whatever is in it. */
function quote(word: string): string {
  return /^[\w./:@%+=-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
