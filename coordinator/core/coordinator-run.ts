/**
 * Who holds an epoch: one run of one coordinator, "NAME.RUN". Two programs under one name, such as
 * an old one and its successor, never share an epoch.
 */
export function runOf(coordinator: string, run: string): string {
  return `${coordinator}.${run}`;
}

/** Whether two holders of epochs are runs of one coordinator, or the same. */
export function isSameCoordinator(one: string, other: string): boolean {
  return nameOf(one) === nameOf(other);
}

function nameOf(holder: string): string {
  const dot = holder.lastIndexOf('.');
  return dot === -1 ? holder : holder.slice(0, dot);
}
