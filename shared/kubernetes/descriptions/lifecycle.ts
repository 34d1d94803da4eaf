/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const LIFECYCLE = `
# lifecycle/v1alpha1 lifecycle.k8s.io/v1alpha1
Eviction kind
 1 metadata meta/v1.ObjectMeta
 2 spec EvictionSpec
 3 status EvictionStatus
EvictionPodReference
 1 name string
 2 uid string
EvictionRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec EvictionRequestSpec
 3 status EvictionRequestStatus
EvictionRequestPodReference
 1 name string
 2 uid string
EvictionRequestSpec
 1 target EvictionRequestTarget
 2 requester string
 3 intent string
EvictionRequestStatus
 1 conditions? []meta/v1.Condition
 2 observedGeneration? *int64
EvictionRequestTarget
 1 pod? *EvictionRequestPodReference
EvictionSpec
 1 target EvictionTarget
EvictionStatus
 1 conditions? []meta/v1.Condition
 2 observedGeneration? *int64
 3 requesters? []Requester
 4 targetResponders? []TargetResponder
 5 responders? []ResponderStatus
EvictionTarget
 1 pod? *EvictionPodReference
Requester
 1 name string
 2 intent string
ResponderStatus
 1 name string
 2 startTime? *Time
 3 heartbeatTime? *Time
 4 expectedCompletionTime? *Time
 5 completionTime? *Time
 6 message? *string
TargetResponder
 1 name string
 2 priority *int32
 3 state string
`;
