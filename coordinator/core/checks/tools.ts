import { refusal } from '@lockstep/shared/errors/lockstep-error.ts';
import type { Refusal } from '@lockstep/shared/generated/lockstep/v1/common.ts';
import { canBump, compareMinor, parseVersion } from '../etcd-version.ts';
import { restoreTool } from '../tool.ts';
import type { Check } from './check.ts';

/** Each node has the tool of its member's minor version, and it can bump revisions. */
export const checkTools: Check = ({ members }) =>
  members.flatMap((node): Refusal[] => {
    const { report } = node;
    const tool = restoreTool(node);
    if (tool === undefined) {
      return [
        refusal('TOOL_MISSING', `no tool that restores snapshots was found on ${node.node}`, node.node),
      ];
    }
    const member = parseVersion(report.etcd.version);
    const version = parseVersion(tool.version);
    if (version === undefined) {
      return [refusal('TOOL_MISMATCH', `${tool.path} on ${node.node} does not say its version`, node.node)];
    }
    if (member !== undefined && compareMinor(version, member) !== 0) {
      const words = `${tool.path} on ${node.node} is of ${tool.version}; the member runs ${report.etcd.version}`;
      return [refusal('TOOL_MISMATCH', words, node.node)];
    }
    if (canBump(version)) return [];
    const words = `${tool.path} on ${node.node} is of ${tool.version} and cannot bump revisions`;
    return [refusal('BUMP_UNAVAILABLE', words, node.node)];
  });
