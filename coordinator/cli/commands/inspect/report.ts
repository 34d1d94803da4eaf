import type { Evidence } from '@lockstep/shared/evidence/evidence.ts';
import { VERSION } from '@lockstep/shared/version.ts';
import { differing } from '../../../analysis/diff/digest-index.ts';
import { readIndexes } from '../../../analysis/diff/read-indexes.ts';
import { builtInRules } from '../../../analysis/findings/built-in.ts';
import type { Finding } from '../../../analysis/findings/finding.ts';
import { findingsOf } from '../../../analysis/findings/findings.ts';
import { type Scan, scan } from '../../../analysis/findings/scan.ts';
import { visitLive } from '../../../analysis/live.ts';
import { Mask } from '../../../analysis/mask.ts';
import { countDifference } from '../../../analysis/report/difference.ts';
import type { Difference, Report, StoreSource } from '../../../analysis/report/model.ts';
import { OUTSIDE_RESOURCES, OutsideStores } from '../../../analysis/report/outside.ts';
import { reportPage } from '../../../analysis/report/page.ts';
import { KEY_RESOURCES, StoredKeys } from '../../../analysis/report/rotation.ts';
import { timelineOf, type Writes, writesOf } from '../../../analysis/report/timeline.ts';
import { plural } from '../../../analysis/report/words.ts';
import type { Answer } from '../../answer.ts';
import { withEvidence } from '../../evidence-file.ts';
import type { Invocation } from '../../invocation.ts';
import { type DecodeOptions, decoderFor } from '../../object-decoder.ts';
import { withDiffer } from '../../object-differ.ts';
import { wrap } from '../../render/layout.ts';
import { digestFile, type FileDigest, readArchiveSource } from '../../report-files.ts';
import { type ReportTarget, requireTarget, writePage } from '../../report-target.ts';

export interface ReportOptions extends DecodeOptions, ReportTarget {
  readonly baseline?: string;
  readonly evidence: readonly string[];
  /** Of the cluster that the archives were gathered in; the context's, where there is one, if left out. */
  readonly ca?: string;
}

/** What one store shows, read once. */
interface Seen {
  readonly source: StoreSource;
  readonly scan: Scan;
  readonly writes: Writes;
  readonly keys: StoredKeys;
  readonly outside: OutsideStores;
}

/** One HTML file of everything that the store, the baseline and the archives tell. The files are only read. */
export async function writeReport(
  invocation: Invocation,
  file: string,
  options: ReportOptions,
): Promise<Answer> {
  await requireTarget(options, [file, ...sourcesOf(options)]);
  const digests = await Promise.all(
    [file, ...(options.baseline === undefined ? [] : [options.baseline])].map(digestFile),
  );
  const archives = [];
  for (const path of options.evidence)
    archives.push(await readArchiveSource(path, options.ca, invocation.location));
  const store = look(invocation, digests[0]!, options);
  const baseline = digests[1] === undefined ? undefined : look(invocation, digests[1], options);
  const findings = findingsOf(store.scan, baseline?.scan);
  const difference =
    options.baseline === undefined
      ? undefined
      : await differenceOf(invocation, options.baseline, file, options);
  const nodes = archives.map(({ manifest, accounts }) => ({ node: manifest.node, accounts }));
  const report: Report = {
    madeAtMs: invocation.terminal.nowMs(),
    toolVersion: VERSION,
    cluster: archives[0]?.manifest.cluster ?? '',
    store: store.source,
    baseline: baseline?.source,
    archives,
    timeline: timelineOf(store.writes, findings, {
      baselineMs: baseline?.source.lastMs,
      compactRevision: store.source.compactRevision,
    }),
    findings,
    difference,
    rotations: store.keys.result(findings, nodes),
    outside: store.outside.result(),
    unread: unreadOf(store, baseline, archives),
  };
  await writePage(options.out, reportPage(report));
  return answerOf(report, options.out);
}

function sourcesOf({ baseline, evidence, encryptionConfig }: ReportOptions): string[] {
  return [baseline, encryptionConfig, ...evidence].filter((path) => path !== undefined);
}

function answerOf(report: Report, out: string): Answer {
  const { findings, difference, archives, unread } = report;
  const worst = findings[0]?.severity;
  const differences =
    difference === undefined ? 0 : difference.added + difference.removed + difference.changed;
  return {
    data: {
      out,
      findings: findings.map(({ id, severity, subject }: Finding) => ({ id, severity, subject })),
      differences,
      archives: archives.map(({ path, problems }) => ({ path, problems })),
      unread,
    },
    names: [out],
    render: (layout) =>
      wrap(
        layout,
        `${out}: ${plural(findings.length, 'finding')}${worst === undefined ? '' : `, the worst ${worst}`}${difference === undefined ? '' : `; ${plural(differences, 'object')} differ from the baseline`}; ${unread.length === 0 ? 'everything could be read' : `${plural(unread.length, 'thing')} could not be read or told`}.`,
      ),
  };
}

function look(invocation: Invocation, digest: FileDigest, options: DecodeOptions): Seen {
  return withEvidence(invocation, digest.path, (evidence) => {
    const decoder = decoderFor(evidence, options);
    const writes = writesOf(evidence, decoder);
    const keys = new StoredKeys();
    const outside = new OutsideStores();
    visitLive(evidence, {}, (row, place) => {
      const wanted = [KEY_RESOURCES, OUTSIDE_RESOURCES].some((each) => each.has(place.resource));
      if (!wanted) return;
      const { key, main, createRevision, value } = row;
      const decoded = decoder.decode(value, { key, modRevision: main });
      const object = { key, ...place, modRevision: main, createRevision, decoded };
      if (KEY_RESOURCES.has(place.resource)) keys.take(object);
      if (OUTSIDE_RESOURCES.has(place.resource)) outside.take(object);
    });
    return {
      source: sourceOf(digest, evidence, writes),
      scan: scan(evidence, decoder, builtInRules()),
      writes,
      keys,
      outside,
    };
  });
}

function sourceOf(digest: FileDigest, { form, facts, notes }: Evidence, { times }: Writes): StoreSource {
  const { revision, compactRevision, storageVersion, members } = facts;
  return {
    ...digest,
    form,
    revision,
    compactRevision,
    storageVersion,
    members: members.map(({ name }) => name),
    lastMs: times.lastMs,
    notes,
  };
}

async function differenceOf(
  invocation: Invocation,
  before: string,
  after: string,
  options: DecodeOptions,
): Promise<Difference> {
  const [was, is] = await readIndexes([
    { path: before, select: {} },
    { path: after, select: {} },
  ]);
  const candidates = differing(was!, is!);
  const masked = { ...options, mask: new Mask({ showSecrets: false }), all: false };
  return withDiffer(
    invocation,
    [before, after],
    masked,
    (differ) => countDifference(candidates.map((one) => differ.differs(one))),
    { again: true },
  );
}

function unreadOf(store: Seen, baseline: Seen | undefined, archives: Report['archives']): string[] {
  const of = (seen: Seen, which: string): string[] => [
    ...seen.source.notes.map((note) => `${which}: ${note}`),
    ...seen.scan.unread.map(
      ({ resource, count, why }) => `${which}: ${plural(count, 'object')} of ${resource}: ${why}`,
    ),
  ];
  return [
    ...of(store, 'The store'),
    ...(baseline === undefined ? [] : of(baseline, 'The baseline')),
    ...archives.flatMap(({ path, problems }) => problems.map((problem) => `${path}: ${problem}`)),
    ...archives.flatMap(({ manifest }) =>
      manifest.collectors
        .filter(({ outcome }) => outcome !== 'done')
        .map(({ name, outcome, reason }) => `Evidence of ${manifest.node}: ${name} is ${outcome}: ${reason}`),
    ),
  ];
}
