import type { ToolReport } from '@lockstep/shared/generated/lockstep/v1/node.ts';
import { compareMinor, parseVersion } from './etcd-version.ts';
import type { MemberNode } from './plan-input.ts';

/**
 * The tool that restores snapshots on this node. etcdctl does up to 3.5, etcdutl from 3.5 on.
 * The first of the member's minor version in the agent's own order (configured, PATH, etcd's
 * root); where none is, the first at all, so that the refusal can name it.
 */
export function restoreTool({ report }: MemberNode): ToolReport | undefined {
  const member = parseVersion(report.etcd.version);
  const name = member !== undefined && member.major === 3 && member.minor < 5 ? 'etcdctl' : 'etcdutl';
  const tools = report.tools.filter((tool) => tool.name === name);
  const fitting = tools.find((tool) => {
    const version = parseVersion(tool.version);
    return version !== undefined && member !== undefined && compareMinor(version, member) === 0;
  });
  return fitting ?? tools[0];
}
