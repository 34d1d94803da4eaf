/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const COORDINATION = `
# coordination/v1 coordination.k8s.io/v1
Lease kind
 1 metadata meta/v1.ObjectMeta
 2 spec LeaseSpec
LeaseSpec
 1 holderIdentity? *string
 2 leaseDurationSeconds? *int32
 3 acquireTime? *MicroTime
 4 renewTime? *MicroTime
 5 leaseTransitions? *int32
 6 strategy? *string
 7 preferredHolder? *string
# coordination/v1alpha2 coordination.k8s.io/v1alpha2
LeaseCandidate kind
 1 metadata meta/v1.ObjectMeta
 2 spec LeaseCandidateSpec
LeaseCandidateSpec
 1 leaseName string
 2 pingTime? *MicroTime
 3 renewTime? *MicroTime
 4 binaryVersion string
 5 emulationVersion? string
 6 strategy? string
# coordination/v1beta1 coordination.k8s.io/v1beta1
Lease kind
 1 metadata meta/v1.ObjectMeta
 2 spec LeaseSpec
LeaseCandidate kind
 1 metadata meta/v1.ObjectMeta
 2 spec LeaseCandidateSpec
LeaseCandidateSpec
 1 leaseName string
 2 pingTime? *MicroTime
 3 renewTime? *MicroTime
 4 binaryVersion string
 5 emulationVersion? string
 6 strategy? string
LeaseSpec
 1 holderIdentity? *string
 2 leaseDurationSeconds? *int32
 3 acquireTime? *MicroTime
 4 renewTime? *MicroTime
 5 leaseTransitions? *int32
 6 strategy? *string
 7 preferredHolder? *string
`;
