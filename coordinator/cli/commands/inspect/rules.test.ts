import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSealers, type Sealers, writeArchive } from '../../testing/archive.ts';
import { writeNight } from '../../testing/night.ts';
import { say } from '../../testing/screen.ts';

const GATHERED_MS = Date.parse('2026-11-22T11:15:00.000Z');
const RULE = `rules:
  - id: ACME-replicas
    title: Nothing of it runs any more
    techniques: [T1489]
    severity: medium
    why: Its users have nobody to ask.
    innocent: It was scaled down on purpose.
    select: { resources: [deployments.apps], namespaces: ["team-*"] }
    where:
      - { path: spec.replicas, equals: 0 }
`;

let directory: string;
let night: { readonly before: string; readonly after: string };
let sealers: Sealers;
let ca: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lockstep-rules-'));
  night = writeNight(directory);
  sealers = await makeSealers('prod', 'cp1', GATHERED_MS);
  ca = written('ca.crt', sealers.caPem);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

interface Answer {
  readonly findings: readonly { readonly id: string; readonly subject: string }[];
  readonly notTold: readonly string[];
}

async function findings(...args: readonly string[]): Promise<Answer> {
  return JSON.parse((await say(['inspect', 'findings', ...args, '-o', 'json'])).out) as Answer;
}

const idsOf = ({ findings: found }: Answer): string[] => found.map(({ id, subject }) => `${id} ${subject}`);

describe('rules of one’s own', () => {
  it('stand beside ours, and sharpen with a baseline like them', async () => {
    const rules = written('rules.yaml', RULE);
    const expected = 'ACME-replicas deployments.apps team-01/api';
    expect(idsOf(await findings(night.after, '--rules', rules))).toContain(expected);
    expect(idsOf(await findings(night.before, '--rules', rules))).toEqual([]);
    expect(idsOf(await findings(night.after, '--rules', rules, '--baseline', night.after))).toEqual([]);
    const { out } = await say(['inspect', 'findings', '--list', '--rules', rules], { width: 200 });
    expect(out).toMatch(/^ACME-replicas +medium +T1489 +Nothing of it runs any more$/m);
    const bisected = await say([
      'inspect',
      'bisect',
      night.before,
      night.after,
      '--rules',
      rules,
      '-o',
      'json',
    ]);
    expect(bisected.out).toContain('ACME-replicas');
  });

  it.each([
    ['no YAML', 'rules: [', /line \d+: the file: it is no YAML/],
    ['nothing', '', /line 1: the file/],
    ['no list', 'rules: none\n', /line 1: rules/],
    ['an empty list', 'rules: []\n', /line 1: rules/],
    ['a word that we do not know', RULE.replace('why:', 'because:'), /line \d+: rules\.0/],
    ['no reason', RULE.replace(/ {4}why.*\n/, ''), /line 2: rules\.0\.why/],
    ['another severity', RULE.replace('medium', 'awful'), /line 5: rules\.0\.severity/],
    ['a technique that is none', RULE.replace('T1489', '1489'), /line 4: rules\.0\.techniques\.0/],
    ['a path that is none', RULE.replace('spec.replicas', 'spec..replicas'), /line \d+: rules\.0/],
    [
      'two tests at once',
      RULE.replace('equals: 0', 'equals: 0, exists: true'),
      /line 10: rules\.0\.where\.0/,
    ],
    [
      'a pattern that is none',
      RULE.replace('equals: 0', "matches: '('"),
      /line 2: rules\.0 \(ACME-replicas\)/,
    ],
    [
      'an id of ours',
      RULE.replace('ACME-replicas', 'LS-T1496-miner'),
      /another rule of the id LS-T1496-miner/,
    ],
    [
      'aliases without end',
      `a: &a [x]\nb: &b [${'*a,'.repeat(99)}]\nrules: [${'*b,'.repeat(99)}]\n`,
      /line 1/,
    ],
    ['too much', `# ${'x'.repeat(1024 * 1024)}\n`, /at most 1048576/],
  ])('are refused with file, line and field before anything is read: %s', async (_what, text, message) => {
    const rules = written('broken.yaml', text);
    // A store that is not there would be told first if it were looked at first.
    const { exit, out, err } = await say(['inspect', 'findings', '/nonexistent', '--rules', rules], {
      width: 400,
    });
    expect([exit, out]).toEqual([2, '']);
    expect(err).toContain(rules);
    expect(err).toMatch(message);
    expect(err).toContain('  -> Correct the field that the message names.');
  });
});

describe('evidence of a node', () => {
  const archive = async (name: string, pods: readonly string[], sealed = true): Promise<string> => {
    const path = join(directory, name);
    const manifests = pods.map((pod) => ({ path: `/etc/kubernetes/manifests/${pod}.yaml`, pod, sha256: '' }));
    await writeArchive(path, {
      cluster: 'prod',
      node: 'cp1',
      atMs: GATHERED_MS,
      files: { 'static-pods/static-pods.json': JSON.stringify({ manifests }) },
      ...(sealed ? { sealedBy: sealers.agent } : {}),
    });
    return path;
  };
  const NO_MANIFEST = 'LS-T1543.005-no-manifest pods kube-system/backdoor-cp1';

  it('tells which static pod has no manifest on record, by its seal', async () => {
    const one = await archive('one.tar.zst', ['kube-system/etcd']);
    const found = await findings(night.after, '--evidence', one, '--ca', ca);
    expect(idsOf(found).filter((id) => id.startsWith('LS-T1543.005-no'))).toEqual([NO_MANIFEST]);
    expect(found.notTold).toEqual(['what is new or changed: no baseline was given']);
    const both = await archive('both.tar.zst', ['kube-system/etcd', 'kube-system/backdoor']);
    expect(idsOf(await findings(night.after, '--evidence', both, '--ca', ca))).not.toContain(NO_MANIFEST);
  });

  it('is said to be nobody’s word where no CA was given, and refused where its seal does not hold', async () => {
    const one = await archive('unjudged.tar.zst', ['kube-system/etcd']);
    const { notTold } = await findings(night.after, '--evidence', one);
    expect(notTold).toContainEqual(`whether the seal of ${one} holds: no CA was given (--ca)`);
    const unsealed = await archive('unsealed.tar.zst', ['kube-system/etcd'], false);
    const refused = await say(['inspect', 'findings', night.after, '--evidence', unsealed, '--ca', ca]);
    expect([refused.exit, refused.out, refused.err]).toEqual([
      2,
      '',
      expect.stringContaining('EVIDENCE_UNSEALED'),
    ]);
    const otherCa = written('other.crt', (await makeSealers('prod', 'cp1', GATHERED_MS)).caPem);
    const stranger = await say(['inspect', 'findings', night.after, '--evidence', one, '--ca', otherCa]);
    expect([stranger.exit, stranger.err]).toEqual([2, expect.stringContaining('SIGNER_UNTRUSTED')]);
  });
});
