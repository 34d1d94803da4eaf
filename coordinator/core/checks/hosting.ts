import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { hostOf, hostOfUrl } from '../left-out.ts';
import { type CheckInput, isMember, type PlannedNode } from '../plan-input.ts';
import type { Check } from './check.ts';

/**
 * Each node is one of three: an API server and the member beside it; an etcd host, that API servers
 * of the plan on other nodes are told of; or an API server that is told of members of the plan and
 * of nobody else. Anything else is a control plane of which a part was not found.
 */
export const checkHosting: Check = (input) => {
  const { planned, members } = input;
  if (members.length === 0) {
    return [refusal('NODE_MISSING', 'no agent that answered runs an etcd member')];
  }
  return planned.flatMap((planned): Refusal[] => {
    const { node, report } = planned;
    const found: Refusal[] = [];
    const unsupported = (words: string): void => {
      found.push(refusal('HOSTING_UNSUPPORTED', `${node} ${words}`, node));
    };
    if (report.etcd === undefined) {
      const foreign = notOfThePlan(planned, input);
      if (report.apiServer?.etcdServers.length === 0 || foreign.length > 0) {
        unsupported(
          `runs an API server without a member, and ${foreign.join(', ') || 'nothing'} that it is told of is no member of the plan`,
        );
      }
    } else {
      if (report.apiServer === undefined && !isToldOf(planned, input)) {
        unsupported('runs a member without an API server, and no API server of the plan is told of it');
      }
      const isUnit = report.hosting === 'systemd' && report.etcdUnit !== undefined;
      if (report.hosting !== 'static-pod' && !isUnit) unsupported(`is hosted as "${report.hosting}"`);
    }
    if (report.etcd?.forceNewCluster === true) {
      found.push(refusal('FORCE_NEW_CLUSTER', `the etcd manifest of ${node} carries the flag`, node));
    }
    if (report.etcd !== undefined && report.etcd.walDir !== '') {
      found.push(refusal('WAL_DIR_UNSUPPORTED', `${node} keeps its WAL in ${report.etcd.walDir}`, node));
    }
    return found;
  });
};

/** Of the servers that an API server is told of, those where neither a member of the plan nor one left out serves. */
function notOfThePlan({ report }: PlannedNode, { members, leftOut }: CheckInput): string[] {
  const known = new Set([...members.flatMap(clientHosts), ...leftOut.flatMap(({ hosts }) => hosts)]);
  return (report.apiServer?.etcdServers ?? []).filter((url) => !known.has(hostOfUrl(url)));
}

function isToldOf(etcdHost: PlannedNode, { planned }: CheckInput): boolean {
  const own = new Set(clientHosts(etcdHost));
  return planned.some(
    (other) =>
      !isMember(other) && other.report.apiServer?.etcdServers.some((url) => own.has(hostOfUrl(url))) === true,
  );
}

/** Hosts by which others reach this node's member; loopback reaches nobody else's. */
function clientHosts({ address, report }: PlannedNode): string[] {
  const { etcd } = report;
  if (etcd === undefined) return [];
  const urls = [...etcd.advertiseClientUrls, ...etcd.listenClientUrls];
  return [hostOf(address), ...urls.map(hostOfUrl)].filter((host) => host !== '' && !isLoopback(host));
}

/** The whole of 127.0.0.0/8 is one host's, but only 127.0.0.1 is so by every host's own configuration. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '127.0.0.1';
}
