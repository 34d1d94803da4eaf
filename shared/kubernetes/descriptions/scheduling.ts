/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const SCHEDULING = `
# scheduling/v1 scheduling.k8s.io/v1
PriorityClass kind
 1 metadata meta/v1.ObjectMeta
 2 value int32
 3 globalDefault? bool
 4 description? string
 5 preemptionPolicy? *string
# scheduling/v1alpha1 scheduling.k8s.io/v1alpha1
BasicSchedulingPolicy
GangSchedulingPolicy
 1 minCount int32
PodGroup
 1 name string
 3 policy PodGroupPolicy
PodGroupPolicy
 2 basic? *BasicSchedulingPolicy
 3 gang? *GangSchedulingPolicy
PriorityClass kind
 1 metadata meta/v1.ObjectMeta
 2 value int32
 3 globalDefault? bool
 4 description? string
 5 preemptionPolicy? *string
TypedLocalObjectReference
 1 apiGroup? string
 2 kind string
 3 name string
Workload kind
 1 metadata meta/v1.ObjectMeta
 2 spec WorkloadSpec
WorkloadSpec
 1 controllerRef? *TypedLocalObjectReference
 2 podGroups []PodGroup
# scheduling/v1alpha2 scheduling.k8s.io/v1alpha2
BasicSchedulingPolicy
GangSchedulingPolicy
 1 minCount int32
PodGroup kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodGroupSpec
 3 status PodGroupStatus
PodGroupResourceClaim
 1 name string
 2 resourceClaimName? *string
 3 resourceClaimTemplateName? *string
PodGroupResourceClaimStatus
 1 name string
 2 resourceClaimName? *string
PodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
PodGroupSchedulingPolicy
 1 basic? *BasicSchedulingPolicy
 2 gang? *GangSchedulingPolicy
PodGroupSpec
 1 podGroupTemplateRef *PodGroupTemplateReference
 2 schedulingPolicy PodGroupSchedulingPolicy
 3 schedulingConstraints? *PodGroupSchedulingConstraints
 4 resourceClaims? []PodGroupResourceClaim
 5 disruptionMode? *string
 6 priorityClassName? string
 7 priority? *int32
PodGroupStatus
 1 conditions? []meta/v1.Condition
 2 resourceClaimStatuses? []PodGroupResourceClaimStatus
PodGroupTemplate
 1 name string
 2 schedulingPolicy PodGroupSchedulingPolicy
 3 schedulingConstraints *PodGroupSchedulingConstraints
 4 resourceClaims? []PodGroupResourceClaim
 5 disruptionMode? *string
 6 priorityClassName? string
 7 priority? *int32
PodGroupTemplateReference
 1 workload *WorkloadPodGroupTemplateReference
TopologyConstraint
 1 key string
TypedLocalObjectReference
 1 apiGroup? string
 2 kind string
 3 name string
Workload kind
 1 metadata meta/v1.ObjectMeta
 2 spec WorkloadSpec
WorkloadPodGroupTemplateReference
 1 workloadName string
 2 podGroupTemplateName string
WorkloadSpec
 1 controllerRef? *TypedLocalObjectReference
 2 podGroupTemplates []PodGroupTemplate
# scheduling/v1alpha3 scheduling.k8s.io/v1alpha3
AllCompositeDisruptionMode
AllDisruptionMode
BasicSchedulingPolicy
CompositeBasicSchedulingPolicy
CompositeDisruptionMode
 1 single? *SingleCompositeDisruptionMode
 2 all? *AllCompositeDisruptionMode
CompositeGangSchedulingPolicy
 1 minGroupCount int32
CompositePodGroup kind
 1 metadata meta/v1.ObjectMeta
 2 spec CompositePodGroupSpec
 3 status CompositePodGroupStatus
CompositePodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
CompositePodGroupSchedulingPolicy
 1 basic? *CompositeBasicSchedulingPolicy
 2 gang? *CompositeGangSchedulingPolicy
CompositePodGroupSpec
 1 parentCompositePodGroupName? *string
 2 workloadRef *WorkloadReference
 3 schedulingPolicy CompositePodGroupSchedulingPolicy
 4 schedulingConstraints? *CompositePodGroupSchedulingConstraints
 5 disruptionMode? *CompositeDisruptionMode
 6 priorityClassName? string
 7 priority? *int32
 8 preemptionPolicy? *string
CompositePodGroupStatus
 1 conditions? []meta/v1.Condition
CompositePodGroupTemplate
 1 name string
 2 schedulingPolicy CompositePodGroupSchedulingPolicy
 3 schedulingConstraints? *CompositePodGroupSchedulingConstraints
 4 disruptionMode? *CompositeDisruptionMode
 5 priorityClassName? string
 6 priority? *int32
 7 preemptionPolicy? *string
 8 podGroupTemplates? []PodGroupTemplate
 9 compositePodGroupTemplates? []CompositePodGroupTemplate
DisruptionMode
 1 single? *SingleDisruptionMode
 2 all? *AllDisruptionMode
GangSchedulingPolicy
 1 minCount int32
PodGroup kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodGroupSpec
 3 status PodGroupStatus
PodGroupResourceClaim
 1 name string
 2 resourceClaimName? *string
 3 resourceClaimTemplateName? *string
PodGroupResourceClaimStatus
 1 name string
 2 resourceClaimName? *string
PodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
PodGroupSchedulingPolicy
 1 basic? *BasicSchedulingPolicy
 2 gang? *GangSchedulingPolicy
PodGroupSpec
 1 parentCompositePodGroupName? *string
 2 workloadRef? *WorkloadReference
 3 schedulingPolicy PodGroupSchedulingPolicy
 4 schedulingConstraints? *PodGroupSchedulingConstraints
 5 resourceClaims? []PodGroupResourceClaim
 6 disruptionMode? *DisruptionMode
 7 priorityClassName? string
 8 priority? *int32
 9 preemptionPolicy? *string
PodGroupStatus
 1 conditions? []meta/v1.Condition
 2 resourceClaimStatuses? []PodGroupResourceClaimStatus
PodGroupTemplate
 1 name string
 2 schedulingPolicy PodGroupSchedulingPolicy
 3 schedulingConstraints *PodGroupSchedulingConstraints
 4 resourceClaims? []PodGroupResourceClaim
 5 disruptionMode? *DisruptionMode
 6 priorityClassName? string
 7 priority? *int32
 8 preemptionPolicy? *string
SingleCompositeDisruptionMode
SingleDisruptionMode
TopologyConstraint
 1 key string
TypedLocalObjectReference
 1 apiGroup? string
 2 kind string
 3 name string
Workload kind
 1 metadata meta/v1.ObjectMeta
 2 spec WorkloadSpec
WorkloadPodGroupAllDisruptionMode
WorkloadPodGroupBasicSchedulingPolicy
WorkloadPodGroupDisruptionMode
 1 single? *WorkloadPodGroupSingleDisruptionMode
 2 all? *WorkloadPodGroupAllDisruptionMode
WorkloadPodGroupGangSchedulingPolicy
 1 minCount? *int32
WorkloadPodGroupResourceClaim
 1 name string
 2 resourceClaimName? *string
 3 resourceClaimTemplateName? *string
WorkloadPodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
WorkloadPodGroupSchedulingPolicy
 1 basic? *WorkloadPodGroupBasicSchedulingPolicy
 2 gang? *WorkloadPodGroupGangSchedulingPolicy
WorkloadPodGroupSingleDisruptionMode
WorkloadReference
 1 workloadName string
 2 templateName string
WorkloadSpec
 1 controllerRef? *TypedLocalObjectReference
 2 podGroupTemplates []PodGroupTemplate
 3 compositePodGroupTemplates? []CompositePodGroupTemplate
# scheduling/v1beta1 scheduling.k8s.io/v1beta1
AllCompositeDisruptionMode
AllDisruptionMode
BasicSchedulingPolicy
CompositeBasicSchedulingPolicy
CompositeDisruptionMode
 1 single? *SingleCompositeDisruptionMode
 2 all? *AllCompositeDisruptionMode
CompositeGangSchedulingPolicy
 1 minGroupCount int32
CompositePodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
CompositePodGroupSchedulingPolicy
 1 basic? *CompositeBasicSchedulingPolicy
 2 gang? *CompositeGangSchedulingPolicy
CompositePodGroupTemplate
 1 name string
 2 schedulingPolicy CompositePodGroupSchedulingPolicy
 3 schedulingConstraints? *CompositePodGroupSchedulingConstraints
 4 disruptionMode? *CompositeDisruptionMode
 5 priorityClassName? string
 6 priority? *int32
 7 preemptionPolicy? *string
 8 podGroupTemplates? []PodGroupTemplate
 9 compositePodGroupTemplates? []CompositePodGroupTemplate
DisruptionMode
 1 single? *SingleDisruptionMode
 2 all? *AllDisruptionMode
GangSchedulingPolicy
 1 minCount int32
PodGroup kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodGroupSpec
 3 status PodGroupStatus
PodGroupResourceClaim
 1 name string
 2 resourceClaimName? *string
 3 resourceClaimTemplateName? *string
PodGroupResourceClaimStatus
 1 name string
 2 resourceClaimName? *string
PodGroupSchedulingConstraints
 1 topology? []TopologyConstraint
PodGroupSchedulingPolicy
 1 basic? *BasicSchedulingPolicy
 2 gang? *GangSchedulingPolicy
PodGroupSpec
 1 parentCompositePodGroupName? *string
 2 workloadRef? *WorkloadReference
 3 schedulingPolicy PodGroupSchedulingPolicy
 4 schedulingConstraints? *PodGroupSchedulingConstraints
 5 resourceClaims? []PodGroupResourceClaim
 6 disruptionMode? *DisruptionMode
 7 priorityClassName? string
 8 priority? *int32
 9 preemptionPolicy? *string
PodGroupStatus
 1 conditions? []meta/v1.Condition
 2 resourceClaimStatuses? []PodGroupResourceClaimStatus
PodGroupTemplate
 1 name string
 2 schedulingPolicy PodGroupSchedulingPolicy
 3 schedulingConstraints *PodGroupSchedulingConstraints
 4 resourceClaims? []PodGroupResourceClaim
 5 disruptionMode? *DisruptionMode
 6 priorityClassName? string
 7 priority? *int32
 8 preemptionPolicy? *string
PriorityClass kind
 1 metadata meta/v1.ObjectMeta
 2 value int32
 3 globalDefault? bool
 4 description? string
 5 preemptionPolicy? *string
SingleCompositeDisruptionMode
SingleDisruptionMode
TopologyConstraint
 1 key string
TypedLocalObjectReference
 1 apiGroup? string
 2 kind string
 3 name string
Workload kind
 1 metadata meta/v1.ObjectMeta
 2 spec WorkloadSpec
WorkloadReference
 1 workloadName string
 2 templateName string
WorkloadSpec
 1 controllerRef? *TypedLocalObjectReference
 2 podGroupTemplates []PodGroupTemplate
 3 compositePodGroupTemplates? []CompositePodGroupTemplate
`;
