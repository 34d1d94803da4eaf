export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** "3.5.16", "v1.34.1", "3.6.0-rc.1"; undefined where it says no version. */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3] ?? 0) };
}

/** Below 0 where `a` is the older minor version, 0 where they are of one. */
export function compareMinor(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor;
}

export function minorText(version: Version): string {
  return `${version.major}.${version.minor}`;
}

/** `etcdutl snapshot restore --bump-revision` exists from 3.4.27, 3.5.10 and 3.6 on. */
export function canBump(tool: Version): boolean {
  if (tool.major !== 3) return tool.major > 3;
  if (tool.minor === 4) return tool.patch >= 27;
  if (tool.minor === 5) return tool.patch >= 10;
  return tool.minor > 5;
}
