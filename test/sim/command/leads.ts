/**
 * Operations that hit cells which chance alone comes by once in millions, or never: a run with
 * `--near` begins there where it met no example of its own. Each hit its cell when it was written
 * down; a change in the core may move the moment, which varying it finds again.
 */
export const LEADS: Readonly<Record<string, string>> = {
  // Who led dies when all have started their members, and one node is cut off for longer than the patience.
  ...ofAll(
    ['transition settle.survey -> ended.needs-operator', 'needs-operator absent-may-have-committed'],
    '5.7:coordinator-crash@start-etcd+107/2/914357478,partition@start-etcd+86/2/3127',
  ),
  // One has committed and is cut off; the ledger of another forgets that it was ready to.
  'needs-operator ledgers-disagree':
    '20270101.712555:ledger-rewound@commit+3/11/122978684,two-leaders@start-controllers+13/9/142581963,crash-after-effect@stage+18/0/851476174,partition@commit+1/2/264730292',
  // Two ledgers are lost before the first undo step ends, and the third before the second does.
  'transition undo.1 -> ended.rolled-back':
    '5.0:operator-abort@stage+10/0/425860150,ledger-lost@undo+11/0/886760132,ledger-lost@undo+13/1/53180012,ledger-lost@undo+7/2/980774177',
  'transition undo.1 -> ended.refused':
    '5.13:ledger-lost@promise+7/0/35027181,ledger-lost@promise+8/1/565814690,ledger-lost@undo+10/2/909807081',
  // Two coordinators undo at once, again and again.
  'transition undo.1 -> settle.survey':
    '20261202.968369:two-leaders@start-api+57/10/186467604,crash-before-effect@swap+6/14/107735189,crash-after-sync@safeguard+16/8/444571577,operator-abort@start-etcd+103/10/337511522',
  'transition undo.2 -> settle.survey':
    '20271124.784456:operator-abort@report+2/9/106642305,kubelet-dead@fence+47/13/938588214,two-leaders@swap+30/0/373599798,answer-twice@safeguard+51/4/335090349,coordinator-pause@report+56/0/587618296',
  // A coordinator that slept takes up its swap where another one has started the members.
  'fault kubelet-paused in swap':
    '20281124.678984:reboot@start-controllers+23/5/303999729,kubelet-paused@start-etcd+47/9/605703953,reboot@commit+5/0/94201651,coordinator-pause@fence+73/14/211197993',
  'fault kubelet-restarted in swap':
    '20281124.678984:reboot@start-controllers+23/5/303999729,kubelet-restarted@start-etcd+47/9/605703953,reboot@commit+5/0/94201651,coordinator-pause@fence+73/14/211197993',
  'fault etcd-crash in swap':
    '20281124.678984:reboot@start-controllers+23/5/303999729,etcd-crash@start-etcd+47/9/605703953,reboot@commit+5/0/94201651,coordinator-pause@fence+73/14/211197993',
  // A step's request comes a second time, seconds later, and the agent dies in the repeat of it.
  'fault crash-before-effect in re-inspect':
    '5.0:message-twice@build+3/2/425860150,crash-before-effect@re-inspect+3/2/886760132',
  'fault crash-after-effect in re-inspect':
    '5.0:message-twice@build+3/2/425860150,crash-after-effect@re-inspect+3/2/886760132',
  'fault crash-before-sync in re-inspect':
    '5.18:message-twice@build+33/2/394320428,crash-before-sync@re-inspect+3/2/35027181',
  'fault crash-after-sync in re-inspect':
    '5.18:message-twice@build+33/2/394320428,crash-after-sync@re-inspect+3/2/35027181',
  'fault crash-before-effect in commit':
    '5.18:message-twice@swap+25/2/394320428,crash-before-effect@commit+5/2/35027181',
  'fault crash-after-effect in commit':
    '5.18:message-twice@swap+25/2/394320428,crash-after-effect@commit+5/2/35027181',
  'fault crash-before-sync in commit':
    '5.1:message-twice@swap+10/2/591377952,crash-before-sync@commit+2/2/659794861',
  'fault crash-after-sync in commit':
    '5.1:message-twice@swap+10/2/591377952,crash-after-sync@commit+2/2/659794861',
  'fault crash-before-sync in report':
    '5.106:message-twice@start-api+32/2/948497769,crash-before-sync@report+1/2/917928344',
  'fault crash-after-sync in report':
    '5.106:message-twice@start-api+32/2/948497769,crash-after-sync@report+1/2/917928344',
};

function ofAll(cells: readonly string[], token: string): Record<string, string> {
  return Object.fromEntries(cells.map((cell) => [cell, token]));
}
