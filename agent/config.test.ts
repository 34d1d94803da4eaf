import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';

const TLS = 'tls: { caFile: /a, certFile: /b, keyFile: /c }';
const MINIMAL = `cluster: lab\nnode: cp1\nlisten: 10.0.0.1:7443\n${TLS}\n`;

describe('configuration', () => {
  it('fills in what kubeadm lays out', () => {
    expect(parseConfig(MINIMAL, 'agent.yaml')).toMatchObject({
      hostRoot: '/',
      advertise: '10.0.0.1:7443',
      stateDir: '/var/lib/lockstep',
      serviceManager: { kubeletUnit: 'kubelet.service', systemctl: '/usr/bin/systemctl' },
      kubelet: { staticPodPath: '/etc/kubernetes/manifests' },
      containerRuntime: { socket: '/run/containerd/containerd.sock' },
      tools: {},
    });
  });

  it.each([
    ['an unknown field', `${MINIMAL}typo: 1\n`, 'typo'],
    ['a relative path', `${MINIMAL}stateDir: var\n`, 'stateDir'],
    ['a missing field', 'cluster: lab\n', 'node'],
    ['an address without a port', MINIMAL.replace('10.0.0.1:7443', '10.0.0.1'), 'listen'],
    ['no YAML', '{', 'YAML'],
  ])('refuses %s by its name', (_name, text, word) => {
    expect(() => parseConfig(text, 'agent.yaml')).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    expect(() => parseConfig(text, 'agent.yaml')).toThrow(word);
  });
});
