/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const NODE = `
# node/v1 node.k8s.io/v1
Overhead
 1 podFixed? map:Quantity
RuntimeClass kind
 1 metadata meta/v1.ObjectMeta
 2 handler string
 3 overhead? *Overhead
 4 scheduling? *Scheduling
Scheduling
 1 nodeSelector? map:string
 2 tolerations? []core/v1.Toleration
# node/v1alpha1 node.k8s.io/v1alpha1
Overhead
 1 podFixed? map:Quantity
RuntimeClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec RuntimeClassSpec
RuntimeClassSpec
 1 runtimeHandler string
 2 overhead? *Overhead
 3 scheduling? *Scheduling
Scheduling
 1 nodeSelector? map:string
 2 tolerations? []core/v1.Toleration
# node/v1beta1 node.k8s.io/v1beta1
Overhead
 1 podFixed? map:Quantity
RuntimeClass kind
 1 metadata meta/v1.ObjectMeta
 2 handler string
 3 overhead? *Overhead
 4 scheduling? *Scheduling
Scheduling
 1 nodeSelector? map:string
 2 tolerations? []core/v1.Toleration
`;
