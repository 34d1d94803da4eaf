/** A published Go module, pinned; go checks it against the public record of checksums. */
export interface ModulePin {
  readonly module: string;
  readonly version: string;
  /** Where its packages of kinds lie; undefined where it has none that are stored. */
  readonly below?: string;
}

const api = (version: string): ModulePin => ({ module: 'k8s.io/api', version, below: '' });
const apimachinery = (version: string): ModulePin => ({ module: 'k8s.io/apimachinery', version });
const apiextensions = (version: string): ModulePin => ({
  module: 'k8s.io/apiextensions-apiserver',
  version,
  below: 'pkg/apis',
});
const aggregator = (version: string): ModulePin => ({
  module: 'k8s.io/kube-aggregator',
  version,
  below: 'pkg/apis',
});

const NEWEST = 'v0.37.2';
/** Each the last that has some kind or field: of later ones, alphas of those years are missing. */
const OLDER = ['v0.36.6', 'v0.35.10', 'v0.34.13', 'v0.33.13', 'v0.28.3', 'v0.26.9', 'v0.22.5', 'v0.20.6'];

/** The newest first: what an older set has and it has not are the kinds and fields removed since. */
export const KUBERNETES_MODULES: readonly (readonly ModulePin[])[] = [
  [api(NEWEST), apimachinery(NEWEST), apiextensions(NEWEST), aggregator(NEWEST)],
  ...OLDER.map((version) => [api(version), apimachinery(version)]),
];
