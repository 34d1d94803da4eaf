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
    '20281124.517304:power-loss-all@start-etcd+65/9/873229732,ledger-rewound@commit+2/7/884859478,agent-pause@commit+1/2/644961896,crash-after-ack@undo+11/2/564870444',
  // Two ledgers are lost before the first undo step ends, and the third before the second does.
  'transition undo.1 -> ended.rolled-back':
    '5.0:operator-abort@stage+10/0/425860150,ledger-lost@undo+11/0/886760132,ledger-lost@undo+13/1/53180012,ledger-lost@undo+7/2/980774177',
  'transition undo.1 -> ended.refused':
    '5.13:ledger-lost@promise+7/0/35027181,ledger-lost@promise+8/1/565814690,ledger-lost@undo+10/2/909807081',
  // One node is left, and it does not take the plan.
  'transition forward.0 -> ended.refused': '80.12772:ledger-lost@promise+0/12/1',
  'transition forward.0 -> ended.rolled-back': '80.12772:disk-error@promise+0/12/1',
  // Two coordinators undo at once, again and again.
  'transition undo.1 -> settle.survey':
    '20281124.95264:messages-reordered@start-controllers+0/9/839196210,agent-pause@report+5/5/821328368,two-leaders@start-etcd+9/5/357525490,operator-abort@start-etcd+28/3/644788294',
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
    '20281124.762454:crash-before-effect@re-inspect+7/0/647377514,crash-after-sync@start-api+45/3/595332032,message-twice@stage+3/12/125058923,promise-in-flight@undo+64/11/480563953,operator-abort@start-etcd+7/3/424987730',
  'fault crash-after-effect in re-inspect':
    '20281124.177688:power-loss@start-api+10/7/326946983,message-twice@stage+10/11/433184153,crash-after-effect@re-inspect+3/5/497282373,operator-abort@start-etcd+21/13/961652463',
  'fault crash-before-sync in re-inspect':
    '5.18:message-twice@build+33/2/394320428,crash-before-sync@re-inspect+3/2/35027181',
  'fault crash-after-sync in re-inspect':
    '5.18:message-twice@build+33/2/394320428,crash-after-sync@re-inspect+3/2/35027181',
  'fault crash-before-effect in commit':
    '5.18:message-twice@swap+25/2/818023097,crash-before-effect@commit+5/2/35027181,message-twice@swap+44/6/659093706',
  'fault crash-after-effect in commit':
    '20281124.146633:message-twice@swap+16/5/360239846,crash-after-effect@commit+5/5/539087485,agent-crash@start-api+47/8/93224023',
  'fault crash-before-sync in commit':
    '5.1:message-twice@swap+21/2/591377952,crash-before-sync@commit+2/2/659794861,coordinator-pause@commit+6/3/463691933',
  'fault crash-after-sync in commit':
    '5.1:message-twice@swap+7/2/591377952,crash-after-sync@commit+2/2/659794861,partition@swap+9/10/647014071',
  'fault crash-before-sync in report':
    '5.106:message-twice@start-api+32/2/948497769,crash-before-sync@report+1/2/917928344,agent-pause@start-api+49/11/395090426',
  'fault crash-after-sync in report':
    '5.106:message-twice@start-api+32/2/948497769,crash-after-sync@report+1/11/917928344,agent-pause@start-api+49/2/76916438',
};

function ofAll(cells: readonly string[], token: string): Record<string, string> {
  return Object.fromEntries(cells.map((cell) => [cell, token]));
}
