/** Why a family of survivors is harmless, and the ids of its members. */
export interface SurvivorFamily {
  readonly why: string;
  readonly ids: readonly string[];
}

/**
 * Mutants that nothing notices, and why each is harmless. One that is killed since, or exists no
 * more, is left out of the report.
 */
const FAMILIES: readonly SurvivorFamily[] = [];

export const SURVIVORS: ReadonlyMap<string, string> = new Map(
  FAMILIES.flatMap(({ why, ids }) => ids.map((id) => [id, why] as const)),
);
