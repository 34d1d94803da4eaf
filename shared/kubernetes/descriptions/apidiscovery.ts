/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const APIDISCOVERY = `
# apidiscovery/v2 apidiscovery.k8s.io/v2
APIGroupDiscovery kind
 1 metadata meta/v1.ObjectMeta
 2 versions? []APIVersionDiscovery
APIResourceDiscovery
 1 resource string
 2 responseKind? *meta/v1.GroupVersionKind
 3 scope string
 4 singularResource string
 5 verbs []string
 6 shortNames? []string
 7 categories? []string
 8 subresources? []APISubresourceDiscovery
APISubresourceDiscovery
 1 subresource string
 2 responseKind? *meta/v1.GroupVersionKind
 3 acceptedTypes? []meta/v1.GroupVersionKind
 4 verbs []string
APIVersionDiscovery
 1 version string
 2 resources? []APIResourceDiscovery
 3 freshness? string
# apidiscovery/v2beta1 apidiscovery.k8s.io/v2beta1
APIGroupDiscovery kind
 1 metadata meta/v1.ObjectMeta
 2 versions? []APIVersionDiscovery
APIResourceDiscovery
 1 resource string
 2 responseKind? *meta/v1.GroupVersionKind
 3 scope string
 4 singularResource string
 5 verbs []string
 6 shortNames? []string
 7 categories? []string
 8 subresources? []APISubresourceDiscovery
APISubresourceDiscovery
 1 subresource string
 2 responseKind? *meta/v1.GroupVersionKind
 3 acceptedTypes? []meta/v1.GroupVersionKind
 4 verbs []string
APIVersionDiscovery
 1 version string
 2 resources? []APIResourceDiscovery
 3 freshness? string
`;
