/**
 * Calls of a port at which nothing is killed, with the reason. They answer within the turn of the
 * event loop in which they are called and change nothing: the process is killed as it is at the next
 * point after them, or at the one before.
 */
const NO_STATE_OF_ITS_OWN = 'answers at once and changes nothing';
const BESIDE_THE_LEDGER = 'nothing lies between it and the intent or the completion in the ledger';
export const NOT_KILLED_AT: Readonly<Record<string, string>> = {
  'agent:ledger.promised': NO_STATE_OF_ITS_OWN,
  'agent:ledger.operation': NO_STATE_OF_ITS_OWN,
  'agent:ledger.openOperation': NO_STATE_OF_ITS_OWN,
  'agent:ledger.latestOperation': NO_STATE_OF_ITS_OWN,
  'agent:ledger.operationIds': NO_STATE_OF_ITS_OWN,
  'agent:stores.realPath': NO_STATE_OF_ITS_OWN,
  'agent:hosting.undoText': NO_STATE_OF_ITS_OWN,
  'agent:snapshots.hostPathOf': NO_STATE_OF_ITS_OWN,
  'agent:snapshots.partOf': NO_STATE_OF_ITS_OWN,
  'agent:snapshots.pathOf': NO_STATE_OF_ITS_OWN,
  'agent:handlers.prepare': BESIDE_THE_LEDGER,
  'agent:handlers.perform': BESIDE_THE_LEDGER,
};

const SAVING = 'belongs to taking a snapshot, not to a restore';
const KEPT = 'belongs to the revert of a restore';
const REJOIN = 'belongs to the rejoin of a node, an operation of its own';
const OTHER_COMMAND = 'belongs to another command';
const KEEPING = 'belongs to keeping snapshots: copies, pins, retention';
const SCHEDULES = 'belongs to schedules, of which this cluster has none';
const BREAK_GLASS = 'read on the node itself, with no agent running';
const WITHIN_INSPECT = 'called by the hosting within inspect, not through the port';
/**
 * Calls that no restore and no rollback crosses, with the reason; `PORT.*` is every call of a port. Any
 * other that is not crossed is a gap.
 */
const NEVER_CROSSED: Readonly<Record<string, string>> = {
  'agent:evidence.gather': OTHER_COMMAND,
  'agent:hosting.checkEncryption': 'only where the snapshot holds encrypted objects; before the plan',
  'agent:service.checkEncryption': 'only where the snapshot holds encrypted objects; before the plan',
  'agent:hosting.etcdServes': 'only on a node with an API server and no member',
  'agent:hosting.provenance': SAVING,
  'agent:hosting.archiveParkedManifest': REJOIN,
  'agent:hosting.placeJoiningManifest': REJOIN,
  'agent:hosting.removeJoiningManifest': REJOIN,
  'agent:joining.*': REJOIN,
  'agent:membership.*': REJOIN,
  'agent:member.addLearner': REJOIN,
  'agent:member.isVoter': REJOIN,
  'agent:member.promoteLearner': REJOIN,
  'agent:member.removeLearner': REJOIN,
  'agent:ledger.audit': BREAK_GLASS,
  'agent:ledger.close': 'at the end of the program',
  'agent:lockDatabase': SAVING,
  'agent:member.close': 'at the end of the program',
  'agent:member.apiServerAddresses': WITHIN_INSPECT,
  'agent:member.authEnabled': WITHIN_INSPECT,
  'agent:member.identify': WITHIN_INSPECT,
  'agent:member.putCures': 'only in a restore into another cluster',
  'agent:member.snapshot': SAVING,
  'agent:sealing.addRevocations': OTHER_COMMAND,
  'agent:sealing.seal': SAVING,
  'agent:sealing.trust': SAVING,
  'agent:service.copySnapshot': KEEPING,
  'agent:service.deleteSnapshot': KEEPING,
  'agent:service.exportSnapshot': KEEPING,
  'agent:service.gatherEvidence': OTHER_COMMAND,
  'agent:service.importSnapshot': KEEPING,
  'agent:service.markSnapshot': KEEPING,
  'agent:service.saveSnapshot': SAVING,
  'agent:service.sealSnapshot': SAVING,
  'agent:service.setRevocations': OTHER_COMMAND,
  'agent:snapshots.logOf': SAVING,
  'agent:snapshots.mark': KEEPING,
  'agent:snapshots.marks': KEEPING,
  'agent:snapshots.rewriteCard': SAVING,
  'agent:snapshots.savingOf': SAVING,
  'agent:service.saveKept': KEPT,
  'agent:service.describeKept': KEPT,
  'agent:service.drillSnapshot': OTHER_COMMAND,
  'agent:stores.copyStore': 'called by no step',
  'agent:stores.freeBytes': 'called by no step',
  'agent:stores.lockDatabase': SAVING,
  'coordinator:agent.checkEncryption': 'only where the snapshot holds encrypted objects; before the plan',
  'coordinator:agent.copySnapshot': KEEPING,
  'coordinator:agent.deleteSnapshot': KEEPING,
  'coordinator:agent.describeKept': KEPT,
  'coordinator:agent.drillSnapshot': OTHER_COMMAND,
  'coordinator:agent.exportSnapshot': KEEPING,
  'coordinator:agent.importSnapshot': KEEPING,
  'coordinator:agent.markSnapshot': KEEPING,
  'coordinator:agent.saveKept': KEPT,
  'coordinator:agent.saveSnapshot': SAVING,
  'coordinator:agent.sealSnapshot': SAVING,
  'coordinator:agent.setRevocations': OTHER_COMMAND,
  'coordinator:journal.flush': 'at the end of the program; also each record’s acknowledgement',
  'coordinator:plans.unexpired': KEEPING,
  'coordinator:scheduleRuns.*': SCHEDULES,
  'coordinator:service.abortOperation': OTHER_COMMAND,
  'coordinator:service.approvePlan': OTHER_COMMAND,
  'coordinator:service.copySnapshot': KEEPING,
  'coordinator:service.deleteSnapshot': KEEPING,
  'coordinator:service.fetchSnapshot': KEEPING,
  'coordinator:service.gatherEvidence': OTHER_COMMAND,
  'coordinator:service.getCatalogue': KEEPING,
  'coordinator:service.getCopyHead': KEEPING,
  'coordinator:service.getVersion': OTHER_COMMAND,
  'coordinator:service.listNodes': OTHER_COMMAND,
  'coordinator:service.listOperations': OTHER_COMMAND,
  'coordinator:service.listSchedules': SCHEDULES,
  'coordinator:service.listSnapshots': OTHER_COMMAND,
  'coordinator:service.listTrust': OTHER_COMMAND,
  'coordinator:service.pinSnapshot': KEEPING,
  'coordinator:service.planRejoin': OTHER_COMMAND,
  'coordinator:service.planRevert': OTHER_COMMAND,
  'coordinator:service.pruneSnapshots': KEEPING,
  'coordinator:service.resumeOperation': OTHER_COMMAND,
  'coordinator:service.revokeTrust': OTHER_COMMAND,
  'coordinator:service.runDrill': OTHER_COMMAND,
  'coordinator:service.saveSnapshot': SAVING,
  'coordinator:service.verifySnapshot': OTHER_COMMAND,
  'coordinator:service.watchOperation': OTHER_COMMAND,
};

export function whyNeverCrossed(call: string): string | undefined {
  return NEVER_CROSSED[call] ?? NEVER_CROSSED[`${call.split('.')[0]}.*`];
}

/** Calls whose later times within a step are points of their own: each changes something more. */
export const COUNTED: ReadonlySet<string> = new Set([
  'agent:hosting.returnManifest',
  'agent:stores.writeFile',
]);
/** The second proof of a swap is asked for between the exchange and the sync of the names. */
export const COUNTED_IN_STEP: ReadonlySet<string> = new Set(['agent:hosting.proveStopped@STEP_SWAP']);
