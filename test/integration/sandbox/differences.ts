/** "spec.containers[0].image: 1 -> 2", one for each place where two JSON values differ; arrays by their index. */
export function differences(ours: unknown, theirs: unknown, path = ''): string[] {
  if (Object.is(ours, theirs)) return [];
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    const length = Math.max(ours.length, theirs.length);
    return Array.from({ length }, (_, index) =>
      differences(ours[index], theirs[index], `${path}[${index}]`),
    ).flat();
  }
  if (isObject(ours) && isObject(theirs)) {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...names].flatMap((name) =>
      differences(ours[name], theirs[name], path === '' ? name : `${path}.${name}`),
    );
  }
  return [`${path}: ${JSON.stringify(ours)} -> ${JSON.stringify(theirs)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
