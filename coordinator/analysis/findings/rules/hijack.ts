import type { DeclaredRule } from '../declared-rule.ts';
import { COREDNS, NODE_AGENTS, WORKLOADS } from '../stock.ts';

const MINERS =
  '(?i)\\b(xmrig|xmr-stak|minerd|cpuminer|ccminer|cgminer|bfgminer|sgminer|ethminer|nbminer|lolminer|gminer|teamredminer|t-rex-miner|phoenixminer|srbminer|cryptonight|kinsing|kdevtmpfsi|monero-?(miner|ocean))';
const POOLS =
  '(?i)stratum[12]?(\\+(tcp|ssl|tls))?://|--donate-level|--(algo|coin)[= ](rx/0|randomx|cryptonight|monero|kawpow|ethash)|\\b(moneroocean|minexmr|supportxmr|nanopool|hashvault|2miners|f2pool|ethermine|nicehash|herominers|unmineable|c3pool|xmrpool|minergate)\\b|\\b4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}\\b|\\bpool[.-][^ ]*:(3333|4444|5555|7777|14444|45700)\\b';

/** Other people’s work on the cluster’s machines. */
export const hijackRules: readonly DeclaredRule[] = [
  {
    id: 'LS-T1496-miner',
    title: 'A container mines a cryptocurrency',
    techniques: ['T1496.001'],
    severity: 'critical',
    why: 'Its name, image or command is a miner’s, or it speaks to a mining pool: somebody else uses the machines.',
    innocent: 'You mine, or an application is called so by chance.',
    select: { resources: WORKLOADS },
    where: [
      {
        any: [
          { path: 'containers[*].image', matches: MINERS },
          { path: 'containers[*].name', matches: MINERS },
          ...['command', 'args'].flatMap((list) => [
            { path: `containers[*].${list}[*]`, matches: MINERS },
            { path: `containers[*].${list}[*]`, matches: POOLS },
          ]),
          { path: 'containers[*].env[*].value', matches: POOLS },
        ],
      },
    ],
  },
  {
    id: 'LS-T1496-miner-image-on-node',
    title: 'A node has pulled a miner’s image',
    techniques: ['T1496.001'],
    severity: 'high',
    why: 'A node remembers its images after the pod is gone, and keeps them until it needs the space.',
    innocent: 'An application is called so by chance.',
    select: { resources: ['nodes'] },
    where: [{ path: 'status.images[*].names[*]', matches: MINERS }],
  },
  {
    id: 'LS-T1496-hungry-daemon-set',
    title: 'A daemon set of kube-system may take all of every machine’s processor',
    techniques: ['T1496.001', 'T1036.005'],
    severity: 'medium',
    why: 'It runs on every node, tainted or not, and asks for many processors or is held to none: so miners are spread, under a name that looks at home.',
    innocent: 'Agents of storage, logging and monitoring are often written so.',
    select: { resources: ['daemonsets.apps'], namespaces: ['kube-system'] },
    where: [
      {
        some: 'podSpec.tolerations[*]',
        where: [
          { path: 'operator', equals: 'Exists' },
          { path: 'key', absent: true },
        ],
      },
      {
        some: 'containers[*]',
        where: [
          {
            any: [
              { path: 'resources.limits.cpu', absent: true },
              { path: 'resources.limits.cpu', atLeast: '4' },
              { path: 'resources.requests.cpu', atLeast: '2' },
            ],
          },
        ],
      },
    ],
    show: [
      'containers[*].image',
      'containers[*].resources.requests.cpu',
      'containers[*].resources.limits.cpu',
    ],
    except: [...NODE_AGENTS, COREDNS],
  },
];
