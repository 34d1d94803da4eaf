/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const RBAC = `
# rbac/v1 rbac.authorization.k8s.io/v1
AggregationRule
 1 clusterRoleSelectors? []meta/v1.LabelSelector
ClusterRole kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
 3 aggregationRule? *AggregationRule
ClusterRoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
PolicyRule
 1 verbs []string
 2 apiGroups? []string
 3 resources? []string
 4 resourceNames? []string
 5 nonResourceURLs? []string
Role kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
RoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
RoleRef
 1 apiGroup string
 2 kind string
 3 name string
Subject
 1 kind string
 2 apiGroup? string
 3 name string
 4 namespace? string
# rbac/v1alpha1 rbac.authorization.k8s.io/v1alpha1
AggregationRule
 1 clusterRoleSelectors? []meta/v1.LabelSelector
ClusterRole kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
 3 aggregationRule? *AggregationRule
ClusterRoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
PolicyRule
 1 verbs []string
 3 apiGroups? []string
 4 resources? []string
 5 resourceNames? []string
 6 nonResourceURLs? []string
Role kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
RoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
RoleRef
 1 apiGroup string
 2 kind string
 3 name string
Subject
 1 kind string
 2 apiVersion? string
 3 name string
 4 namespace? string
# rbac/v1beta1 rbac.authorization.k8s.io/v1beta1
AggregationRule
 1 clusterRoleSelectors? []meta/v1.LabelSelector
ClusterRole kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
 3 aggregationRule? *AggregationRule
ClusterRoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
PolicyRule
 1 verbs []string
 2 apiGroups? []string
 3 resources? []string
 4 resourceNames? []string
 5 nonResourceURLs? []string
Role kind
 1 metadata meta/v1.ObjectMeta
 2 rules []PolicyRule
RoleBinding kind
 1 metadata meta/v1.ObjectMeta
 2 subjects? []Subject
 3 roleRef RoleRef
RoleRef
 1 apiGroup string
 2 kind string
 3 name string
Subject
 1 kind string
 2 apiGroup? string
 3 name string
 4 namespace? string
`;
