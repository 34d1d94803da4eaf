/** A directory or file of the node that a container sees elsewhere. */
export interface PathMount {
  readonly containerPath: string;
  readonly hostPath: string;
}

/**
 * A container's argument as a plain process of the host needs it: paths that lie in a mount, alone or
 * after `=`, become paths below the node's root. The longest mount wins, as a mount over a mount does.
 */
export function mapArgument(argument: string, mounts: readonly PathMount[], root: string): string {
  const at = argument.startsWith('--') ? argument.indexOf('=') + 1 : 0;
  const value = argument.slice(at);
  if (!value.startsWith('/')) return argument;
  const mount = mounts
    .filter(({ containerPath }) => value === containerPath || value.startsWith(`${containerPath}/`))
    .sort((a, b) => b.containerPath.length - a.containerPath.length)[0];
  if (mount === undefined) return argument;
  return `${argument.slice(0, at)}${root}${mount.hostPath}${value.slice(mount.containerPath.length)}`;
}
