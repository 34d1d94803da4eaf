import { expect, test } from 'vitest';
import { parseResourcePath, storageKey } from './resource.ts';

const key = (path: string): string | undefined => {
  const parsed = parseResourcePath(path);
  return parsed === undefined ? undefined : storageKey('/registry', parsed);
};

test.each([
  ['/api/v1/nodes/cp1', '/registry/minions/cp1'],
  ['/api/v1/namespaces', '/registry/namespaces/'],
  ['/api/v1/namespaces/shop', '/registry/namespaces/shop'],
  ['/api/v1/namespaces/shop/status', '/registry/namespaces/shop'],
  ['/api/v1/pods', '/registry/pods/'],
  ['/api/v1/namespaces/shop/pods', '/registry/pods/shop/'],
  ['/api/v1/namespaces/shop/pods/web-1/status', '/registry/pods/shop/web-1'],
  ['/api/v1/namespaces/shop/services/web', '/registry/services/specs/shop/web'],
  ['/api/v1/namespaces/shop/endpoints/web', '/registry/services/endpoints/shop/web'],
  ['/apis/apps/v1/namespaces/shop/daemonsets/x', '/registry/daemonsets/shop/x'],
  [
    '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/cp1',
    '/registry/leases/kube-node-lease/cp1',
  ],
  ['/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/x', '/registry/clusterrolebindings/x'],
  ['/apis/networking.k8s.io/v1/namespaces/shop/ingresses/x', '/registry/ingress/shop/x'],
  ['/apis/example.com/v1/namespaces/shop/widgets/x', '/registry/example.com/widgets/shop/x'],
  [
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com',
    '/registry/apiextensions.k8s.io/customresourcedefinitions/widgets.example.com',
  ],
  ['/metrics', undefined],
  ['/api/v1', undefined],
])('%s is stored at %s', (path, expected) => {
  expect(key(path)).toBe(expected);
});
