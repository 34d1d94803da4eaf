import { sha256Hex } from '@lockstep/shared/digest.ts';
import type { VisitEntry } from '@lockstep/shared/evidence-archive/read.ts';
import type { ConfigLocation } from '../config.ts';
import { readSoundArchive } from '../report-files.ts';

/** What an agent takes of one manifest at the most. */
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** More than any node has; a ConfigMap holds no more than 1 MiB, so the rest is told and not shown. */
const MAX_ALL_BYTES = 8 * 1024 * 1024;
const COLLECTED_AS = 'static-pods/';

/** A file in the manifest directory of a node. */
export interface StaticPodManifest {
  readonly path: string;
  readonly sha256: string;
  /** "kube-system/etcd"; empty where kubelet would not take it for a pod. */
  readonly pod: string;
  /** Undefined where the archive does not hold it whole. */
  readonly text: string | undefined;
}

export interface NodeManifests {
  readonly node: string;
  readonly archiveSha256: string;
  readonly gatherId: string;
  /** False: no CA was known to judge the archive's seal by. */
  readonly sealJudged: boolean;
  readonly manifests: readonly StaticPodManifest[];
}

/**
 * Throws CONFIG_INVALID where its digests or its seal do not hold, or the CA that was named does not
 * read; EVIDENCE_ARCHIVE_INVALID, FILE_NOT_READABLE.
 */
export async function readNodeManifests(
  path: string,
  ca: string | undefined,
  location: ConfigLocation,
): Promise<NodeManifests> {
  const taken = new Taken();
  const { manifest, accounts, sealJudged, sha256 } = await readSoundArchive(path, ca, location, taken.visit);
  const texts = taken.bySha256();
  return {
    node: manifest.node,
    archiveSha256: sha256,
    gatherId: manifest.gatherId,
    sealJudged,
    manifests: accounts.manifests.map((each) => ({ ...each, text: texts.get(each.sha256) })),
  };
}

/** The manifests' bytes as they come by, up to a limit. */
class Taken {
  readonly #parts: Buffer[][] = [];
  #left = MAX_ALL_BYTES;

  readonly visit: VisitEntry = ({ name, sizeBytes }) => {
    if (!name.startsWith(COLLECTED_AS) || sizeBytes > MAX_MANIFEST_BYTES || sizeBytes > this.#left) {
      return undefined;
    }
    this.#left -= sizeBytes;
    const parts: Buffer[] = [];
    this.#parts.push(parts);
    return (bytes) => void parts.push(Buffer.from(bytes));
  };

  bySha256(): Map<string, string> {
    return new Map(
      this.#parts.map((parts) => {
        const bytes = Buffer.concat(parts);
        return [sha256Hex(bytes), bytes.toString('utf8')];
      }),
    );
  }
}
