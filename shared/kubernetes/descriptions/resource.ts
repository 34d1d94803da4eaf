/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const RESOURCE = `
# resource/v1 resource.k8s.io/v1
AllocatedDeviceStatus
 1 driver string
 2 pool string
 3 device string
 7 shareID? *string
 4 conditions []meta/v1.Condition
 5 data? *RawExtension
 6 networkData? *NetworkDeviceData
AllocationResult
 1 devices DeviceAllocationResult
 3 nodeSelector? *core/v1.NodeSelector
 5 allocationTimestamp? *Time
CELDeviceSelector
 1 expression string
CapacityRequestPolicy
 1 default *Quantity
 3 validValues? []Quantity
 4 validRange? *CapacityRequestPolicyRange
CapacityRequestPolicyRange
 1 min? *Quantity
 2 max? *Quantity
 3 step? *Quantity
CapacityRequirements
 1 requests? map:Quantity
Counter
 1 value Quantity
CounterSet
 1 name string
 2 counters? map:Counter
Device
 1 name string
 2 attributes? map:DeviceAttribute
 3 capacity? map:DeviceCapacity
 4 consumesCounters? []DeviceCounterConsumption
 5 nodeName? *string
 6 nodeSelector? *core/v1.NodeSelector
 7 allNodes? *bool
 8 taints? []DeviceTaint
 9 bindsToNode? *bool
 10 bindingConditions? []string
 11 bindingFailureConditions? []string
 12 allowMultipleAllocations? *bool
 13 nodeAllocatableResourceMappings? map:NodeAllocatableResourceMapping
 14 nodeAllocatableResources? map:NodeAllocatableResource
DeviceAllocationConfiguration
 1 source string
 2 requests? []string
 3 . DeviceConfiguration
DeviceAllocationResult
 1 results? []DeviceRequestAllocationResult
 2 config? []DeviceAllocationConfiguration
DeviceAttribute
 2 int? *int64
 3 bool? *bool
 4 string? *string
 5 version? *string
 6 ints? []int64
 7 bools? []bool
 8 strings? []string
 9 versions? []string
DeviceCapacity
 1 value Quantity
 2 requestPolicy? *CapacityRequestPolicy
DeviceClaim
 1 requests []DeviceRequest
 2 constraints? []DeviceConstraint
 3 config? []DeviceClaimConfiguration
DeviceClaimConfiguration
 1 requests? []string
 2 . DeviceConfiguration
DeviceClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceClassSpec
DeviceClassConfiguration
 1 . DeviceConfiguration
DeviceClassSpec
 1 selectors? []DeviceSelector
 2 config? []DeviceClassConfiguration
 4 extendedResourceName? *string
DeviceConfiguration
 1 opaque? *OpaqueDeviceConfiguration
DeviceConstraint
 1 requests? []string
 2 matchAttribute? *string
 3 distinctAttribute? *string
DeviceCounterConsumption
 1 counterSet string
 2 counters? map:Counter
 3 compatibilityGroups? []string
DeviceDerivedAttribute
 1 name string
 2 expression string
DeviceRequest
 1 name string
 2 exactly? *ExactDeviceRequest
 3 firstAvailable? []DeviceSubRequest
DeviceRequestAllocationResult
 1 request string
 2 driver string
 3 pool string
 4 device string
 5 adminAccess? *bool
 6 tolerations? []DeviceToleration
 7 bindingConditions? []string
 8 bindingFailureConditions? []string
 9 shareID? *string
 10 consumedCapacity? map:Quantity
 11 skipNodeOperations? []string
DeviceSelector
 1 cel? *CELDeviceSelector
DeviceSubRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 6 tolerations? []DeviceToleration
 7 capacity? *CapacityRequirements
 8 derivedAttributes? []DeviceDerivedAttribute
DeviceTaint
 1 key string
 2 value? string
 3 effect string
 4 timeAdded? *Time
DeviceTaintRule kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceTaintRuleSpec
 3 status DeviceTaintRuleStatus
DeviceTaintRuleSpec
 1 deviceSelector? *DeviceTaintSelector
 2 taint DeviceTaint
DeviceTaintRuleStatus
 1 conditions? []meta/v1.Condition
DeviceTaintSelector
 2 driver? *string
 3 pool? *string
 4 device? *string
DeviceToleration
 1 key? string
 2 operator? string
 3 value? string
 4 effect? string
 5 tolerationSeconds? *int64
ExactDeviceRequest
 1 deviceClassName string
 2 selectors? []DeviceSelector
 3 allocationMode? string
 4 count? int64
 5 adminAccess? *bool
 6 tolerations? []DeviceToleration
 7 capacity? *CapacityRequirements
 8 derivedAttributes? []DeviceDerivedAttribute
NetworkDeviceData
 1 interfaceName? string
 2 ips? []string
 3 hardwareAddress? string
NodeAllocatableMapping
 1 capacityKey? *string
 2 capacityMultiplier? *Quantity
 3 deviceMultiplier? *Quantity
NodeAllocatableOverhead
 1 perPod? *Quantity
 2 perContainer? *Quantity
NodeAllocatableResource
 3 mapping? *NodeAllocatableMapping
 4 overhead? *NodeAllocatableOverhead
NodeAllocatableResourceMapping
 1 capacityKey? *string
 2 allocationMultiplier? *Quantity
OpaqueDeviceConfiguration
 1 driver string
 2 parameters RawExtension
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimSpec
 1 devices DeviceClaim
ResourceClaimStatus
 1 allocation? *AllocationResult
 2 reservedFor? []ResourceClaimConsumerReference
 4 devices? []AllocatedDeviceStatus
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourcePool
 1 name string
 2 generation int64
 3 resourceSliceCount int64
ResourceSlice kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceSliceSpec
ResourceSliceSpec
 1 driver string
 2 pool ResourcePool
 3 nodeName? *string
 4 nodeSelector? *core/v1.NodeSelector
 5 allNodes? *bool
 6 devices? []Device
 7 perDeviceNodeSelection? *bool
 8 sharedCounters? []CounterSet
 9 partitionTypeAttribute? *string
 10 skipNodeOperations? []string
# resource/v1alpha1 resource.k8s.io/v1alpha1
AllocationResult
 1 resourceHandle? string
 2 availableOnNodes? *core/v1.NodeSelector
 3 shareable? bool
PodScheduling kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodSchedulingSpec
 3 status PodSchedulingStatus
PodSchedulingSpec
 1 selectedNode? string
 2 potentialNodes? []string
PodSchedulingStatus
 1 resourceClaims? []ResourceClaimSchedulingStatus
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimParametersReference
 1 apiGroup? string
 2 kind string
 3 name string
ResourceClaimSchedulingStatus
 1 name? string
 2 unsuitableNodes? []string
ResourceClaimSpec
 1 resourceClassName string
 2 parametersRef? *ResourceClaimParametersReference
 3 allocationMode? string
ResourceClaimStatus
 1 driverName? string
 2 allocation? *AllocationResult
 3 reservedFor? []ResourceClaimConsumerReference
 4 deallocationRequested? bool
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourceClass kind
 1 metadata meta/v1.ObjectMeta
 2 driverName string
 3 parametersRef? *ResourceClassParametersReference
 4 suitableNodes? *core/v1.NodeSelector
ResourceClassParametersReference
 1 apiGroup? string
 2 kind string
 3 name string
 4 namespace? string
# resource/v1alpha2 resource.k8s.io/v1alpha2
AllocationResult
 1 resourceHandles? []ResourceHandle
 2 availableOnNodes? *core/v1.NodeSelector
 3 shareable? bool
PodSchedulingContext kind
 1 metadata meta/v1.ObjectMeta
 2 spec PodSchedulingContextSpec
 3 status PodSchedulingContextStatus
PodSchedulingContextSpec
 1 selectedNode? string
 2 potentialNodes? []string
PodSchedulingContextStatus
 1 resourceClaims? []ResourceClaimSchedulingStatus
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimParametersReference
 1 apiGroup? string
 2 kind string
 3 name string
ResourceClaimSchedulingStatus
 1 name? string
 2 unsuitableNodes? []string
ResourceClaimSpec
 1 resourceClassName string
 2 parametersRef? *ResourceClaimParametersReference
 3 allocationMode? string
ResourceClaimStatus
 1 driverName? string
 2 allocation? *AllocationResult
 3 reservedFor? []ResourceClaimConsumerReference
 4 deallocationRequested? bool
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourceClass kind
 1 metadata meta/v1.ObjectMeta
 2 driverName string
 3 parametersRef? *ResourceClassParametersReference
 4 suitableNodes? *core/v1.NodeSelector
ResourceClassParametersReference
 1 apiGroup? string
 2 kind string
 3 name string
 4 namespace? string
ResourceHandle
 1 driverName? string
 2 data? string
# resource/v1alpha3 resource.k8s.io/v1alpha3
AllocatedDeviceStatus
 1 driver string
 2 pool string
 3 device string
 4 conditions []meta/v1.Condition
 5 data? *RawExtension
 6 networkData? *NetworkDeviceData
AllocationResult
 1 devices DeviceAllocationResult
 3 nodeSelector? *core/v1.NodeSelector
BasicDevice
 1 attributes? map:DeviceAttribute
 2 capacity? map:Quantity
 3 consumesCounters? []DeviceCounterConsumption
 4 nodeName? *string
 5 nodeSelector? *core/v1.NodeSelector
 6 allNodes? *bool
 7 taints? []DeviceTaint
CELDeviceSelector
 1 expression string
Counter
 1 value Quantity
CounterSet
 1 name string
 2 counters? map:Counter
Device
 1 name string
 2 basic? *BasicDevice
DeviceAllocationConfiguration
 1 source string
 2 requests? []string
 3 . DeviceConfiguration
DeviceAllocationResult
 1 results? []DeviceRequestAllocationResult
 2 config? []DeviceAllocationConfiguration
DeviceAttribute
 2 int? *int64
 3 bool? *bool
 4 string? *string
 5 version? *string
DeviceClaim
 1 requests []DeviceRequest
 2 constraints? []DeviceConstraint
 3 config? []DeviceClaimConfiguration
DeviceClaimConfiguration
 1 requests? []string
 2 . DeviceConfiguration
DeviceClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceClassSpec
DeviceClassConfiguration
 1 . DeviceConfiguration
DeviceClassSpec
 1 selectors? []DeviceSelector
 2 config? []DeviceClassConfiguration
DeviceConfiguration
 1 opaque? *OpaqueDeviceConfiguration
DeviceConstraint
 1 requests? []string
 2 matchAttribute? *string
DeviceCounterConsumption
 1 counterSet string
 2 counters? map:Counter
DeviceRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 6 adminAccess? *bool
 7 firstAvailable? []DeviceSubRequest
 8 tolerations? []DeviceToleration
DeviceRequestAllocationResult
 1 request string
 2 driver string
 3 pool string
 4 device string
 5 adminAccess *bool
 6 tolerations? []DeviceToleration
DeviceSelector
 1 cel? *CELDeviceSelector
DeviceSubRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 7 tolerations? []DeviceToleration
DeviceTaint
 1 key string
 2 value? string
 3 effect string
 4 timeAdded? *Time
DeviceTaintRule kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceTaintRuleSpec
 3 status DeviceTaintRuleStatus
DeviceTaintRuleSpec
 1 deviceSelector? *DeviceTaintSelector
 2 taint DeviceTaint
DeviceTaintRuleStatus
 1 conditions? []meta/v1.Condition
DeviceTaintSelector
 1 deviceClassName? *string
 2 driver? *string
 3 pool? *string
 4 device? *string
 5 selectors? []DeviceSelector
DeviceToleration
 1 key? string
 2 operator? string
 3 value? string
 4 effect? string
 5 tolerationSeconds? *int64
NetworkDeviceData
 1 interfaceName? string
 2 ips? []string
 3 hardwareAddress? string
OpaqueDeviceConfiguration
 1 driver string
 2 parameters RawExtension
PartitionTypeStatus
 4 attribute? string
 1 type? string
 2 total? *int32
 3 allocatable? *int32
PoolStatus
 1 driver? string
 2 poolName? string
 9 generation int64
 8 resourceSliceCount? *int32
 4 totalDevices? *int32
 5 allocatedDevices? *int32
 6 availableDevices? *int32
 7 unavailableDevices? *int32
 3 nodeName? *string
 10 validationError? *string
 11 partitionSummary? []PartitionTypeStatus
 13 shareableSummary? *ShareableSummaryStatus
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimSpec
 1 devices DeviceClaim
ResourceClaimStatus
 1 allocation? *AllocationResult
 2 reservedFor? []ResourceClaimConsumerReference
 4 devices? []AllocatedDeviceStatus
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourcePool
 1 name string
 2 generation int64
 3 resourceSliceCount int64
ResourcePoolStatusRequest kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourcePoolStatusRequestSpec
 3 status? *ResourcePoolStatusRequestStatus
ResourcePoolStatusRequestSpec
 1 driver string
 2 poolName? *string
 3 limit? *int32
 4 defaultPartitionTypeAttribute? *string
ResourcePoolStatusRequestStatus
 6 poolCount? *int32
 2 pools? []PoolStatus
 3 conditions? []meta/v1.Condition
ResourceSlice kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceSliceSpec
ResourceSliceSpec
 1 driver string
 2 pool ResourcePool
 3 nodeName? string
 4 nodeSelector? *core/v1.NodeSelector
 5 allNodes? bool
 6 devices []Device
 7 perDeviceNodeSelection? *bool
 8 sharedCounters? []CounterSet
ShareableCapacityStatus
 1 name? string
 2 total? *Quantity
 3 consumed? *Quantity
 4 available? *Quantity
ShareableSummaryStatus
 1 fullyAvailableDevices? *int32
 2 partiallyAvailableDevices? *int32
 3 capacity? []ShareableCapacityStatus
# resource/v1beta1 resource.k8s.io/v1beta1
AllocatedDeviceStatus
 1 driver string
 2 pool string
 3 device string
 7 shareID? *string
 4 conditions []meta/v1.Condition
 5 data? *RawExtension
 6 networkData? *NetworkDeviceData
AllocationResult
 1 devices DeviceAllocationResult
 3 nodeSelector? *core/v1.NodeSelector
 5 allocationTimestamp? *Time
BasicDevice
 1 attributes? map:DeviceAttribute
 2 capacity? map:DeviceCapacity
 3 consumesCounters? []DeviceCounterConsumption
 4 nodeName? *string
 5 nodeSelector? *core/v1.NodeSelector
 6 allNodes? *bool
 7 taints? []DeviceTaint
 8 bindsToNode? *bool
 9 bindingConditions? []string
 10 bindingFailureConditions? []string
 11 allowMultipleAllocations? *bool
 12 nodeAllocatableResourceMappings? map:NodeAllocatableResourceMapping
 14 nodeAllocatableResources? map:NodeAllocatableResource
CELDeviceSelector
 1 expression string
CapacityRequestPolicy
 1 default *Quantity
 3 validValues? []Quantity
 4 validRange? *CapacityRequestPolicyRange
CapacityRequestPolicyRange
 1 min? *Quantity
 2 max? *Quantity
 3 step? *Quantity
CapacityRequirements
 1 requests? map:Quantity
Counter
 1 value Quantity
CounterSet
 1 name string
 2 counters? map:Counter
Device
 1 name string
 2 basic? *BasicDevice
DeviceAllocationConfiguration
 1 source string
 2 requests? []string
 3 . DeviceConfiguration
DeviceAllocationResult
 1 results? []DeviceRequestAllocationResult
 2 config? []DeviceAllocationConfiguration
DeviceAttribute
 2 int? *int64
 3 bool? *bool
 4 string? *string
 5 version? *string
 6 ints? []int64
 7 bools? []bool
 8 strings? []string
 9 versions? []string
DeviceCapacity
 1 value Quantity
 2 requestPolicy? *CapacityRequestPolicy
DeviceClaim
 1 requests []DeviceRequest
 2 constraints? []DeviceConstraint
 3 config? []DeviceClaimConfiguration
DeviceClaimConfiguration
 1 requests? []string
 2 . DeviceConfiguration
DeviceClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceClassSpec
DeviceClassConfiguration
 1 . DeviceConfiguration
DeviceClassSpec
 1 selectors? []DeviceSelector
 2 config? []DeviceClassConfiguration
 4 extendedResourceName? *string
DeviceConfiguration
 1 opaque? *OpaqueDeviceConfiguration
DeviceConstraint
 1 requests? []string
 2 matchAttribute? *string
 3 distinctAttribute? *string
DeviceCounterConsumption
 1 counterSet string
 2 counters? map:Counter
 3 compatibilityGroups? []string
DeviceDerivedAttribute
 1 name string
 2 expression string
DeviceRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 6 adminAccess? *bool
 7 firstAvailable? []DeviceSubRequest
 8 tolerations? []DeviceToleration
 9 capacity? *CapacityRequirements
 10 derivedAttributes? []DeviceDerivedAttribute
DeviceRequestAllocationResult
 1 request string
 2 driver string
 3 pool string
 4 device string
 5 adminAccess? *bool
 6 tolerations? []DeviceToleration
 7 bindingConditions? []string
 8 bindingFailureConditions? []string
 9 shareID? *string
 10 consumedCapacity? map:Quantity
 11 skipNodeOperations? []string
DeviceSelector
 1 cel? *CELDeviceSelector
DeviceSubRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 7 tolerations? []DeviceToleration
 8 capacity? *CapacityRequirements
 9 derivedAttributes? []DeviceDerivedAttribute
DeviceTaint
 1 key string
 2 value? string
 3 effect string
 4 timeAdded? *Time
DeviceToleration
 1 key? string
 2 operator? string
 3 value? string
 4 effect? string
 5 tolerationSeconds? *int64
NetworkDeviceData
 1 interfaceName? string
 2 ips? []string
 3 hardwareAddress? string
NodeAllocatableMapping
 1 capacityKey? *string
 2 capacityMultiplier? *Quantity
 3 deviceMultiplier? *Quantity
NodeAllocatableOverhead
 1 perPod? *Quantity
 2 perContainer? *Quantity
NodeAllocatableResource
 3 mapping? *NodeAllocatableMapping
 4 overhead? *NodeAllocatableOverhead
NodeAllocatableResourceMapping
 1 capacityKey? *string
 2 allocationMultiplier? *Quantity
OpaqueDeviceConfiguration
 1 driver string
 2 parameters RawExtension
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimSpec
 1 devices DeviceClaim
ResourceClaimStatus
 1 allocation? *AllocationResult
 2 reservedFor? []ResourceClaimConsumerReference
 4 devices? []AllocatedDeviceStatus
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourcePool
 1 name string
 2 generation int64
 3 resourceSliceCount int64
ResourceSlice kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceSliceSpec
ResourceSliceSpec
 1 driver string
 2 pool ResourcePool
 3 nodeName? string
 4 nodeSelector? *core/v1.NodeSelector
 5 allNodes? bool
 6 devices? []Device
 7 perDeviceNodeSelection? *bool
 8 sharedCounters? []CounterSet
 9 partitionTypeAttribute? *string
 10 skipNodeOperations? []string
# resource/v1beta2 resource.k8s.io/v1beta2
AllocatedDeviceStatus
 1 driver string
 2 pool string
 3 device string
 7 shareID? *string
 4 conditions []meta/v1.Condition
 5 data? *RawExtension
 6 networkData? *NetworkDeviceData
AllocationResult
 1 devices DeviceAllocationResult
 3 nodeSelector? *core/v1.NodeSelector
 5 allocationTimestamp? *Time
CELDeviceSelector
 1 expression string
CapacityRequestPolicy
 1 default *Quantity
 3 validValues? []Quantity
 4 validRange? *CapacityRequestPolicyRange
CapacityRequestPolicyRange
 1 min? *Quantity
 2 max? *Quantity
 3 step? *Quantity
CapacityRequirements
 1 requests? map:Quantity
Counter
 1 value Quantity
CounterSet
 1 name string
 2 counters? map:Counter
Device
 1 name string
 2 attributes? map:DeviceAttribute
 3 capacity? map:DeviceCapacity
 4 consumesCounters? []DeviceCounterConsumption
 5 nodeName? *string
 6 nodeSelector? *core/v1.NodeSelector
 7 allNodes? *bool
 8 taints? []DeviceTaint
 9 bindsToNode? *bool
 10 bindingConditions? []string
 11 bindingFailureConditions? []string
 12 allowMultipleAllocations? *bool
 13 nodeAllocatableResourceMappings? map:NodeAllocatableResourceMapping
 14 nodeAllocatableResources? map:NodeAllocatableResource
DeviceAllocationConfiguration
 1 source string
 2 requests? []string
 3 . DeviceConfiguration
DeviceAllocationResult
 1 results? []DeviceRequestAllocationResult
 2 config? []DeviceAllocationConfiguration
DeviceAttribute
 2 int? *int64
 3 bool? *bool
 4 string? *string
 5 version? *string
 6 ints? []int64
 7 bools? []bool
 8 strings? []string
 9 versions? []string
DeviceCapacity
 1 value Quantity
 2 requestPolicy? *CapacityRequestPolicy
DeviceClaim
 1 requests []DeviceRequest
 2 constraints? []DeviceConstraint
 3 config? []DeviceClaimConfiguration
DeviceClaimConfiguration
 1 requests? []string
 2 . DeviceConfiguration
DeviceClass kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceClassSpec
DeviceClassConfiguration
 1 . DeviceConfiguration
DeviceClassSpec
 1 selectors? []DeviceSelector
 2 config? []DeviceClassConfiguration
 4 extendedResourceName? *string
DeviceConfiguration
 1 opaque? *OpaqueDeviceConfiguration
DeviceConstraint
 1 requests? []string
 2 matchAttribute? *string
 3 distinctAttribute? *string
DeviceCounterConsumption
 1 counterSet string
 2 counters? map:Counter
 3 compatibilityGroups? []string
DeviceDerivedAttribute
 1 name string
 2 expression string
DeviceRequest
 1 name string
 2 exactly? *ExactDeviceRequest
 3 firstAvailable? []DeviceSubRequest
DeviceRequestAllocationResult
 1 request string
 2 driver string
 3 pool string
 4 device string
 5 adminAccess? *bool
 6 tolerations? []DeviceToleration
 7 bindingConditions? []string
 8 bindingFailureConditions? []string
 9 shareID? *string
 10 consumedCapacity? map:Quantity
 11 skipNodeOperations? []string
DeviceSelector
 1 cel? *CELDeviceSelector
DeviceSubRequest
 1 name string
 2 deviceClassName string
 3 selectors? []DeviceSelector
 4 allocationMode? string
 5 count? int64
 6 tolerations? []DeviceToleration
 7 capacity? *CapacityRequirements
 8 derivedAttributes? []DeviceDerivedAttribute
DeviceTaint
 1 key string
 2 value? string
 3 effect string
 4 timeAdded? *Time
DeviceTaintRule kind
 1 metadata meta/v1.ObjectMeta
 2 spec DeviceTaintRuleSpec
 3 status DeviceTaintRuleStatus
DeviceTaintRuleSpec
 1 deviceSelector? *DeviceTaintSelector
 2 taint DeviceTaint
DeviceTaintRuleStatus
 1 conditions? []meta/v1.Condition
DeviceTaintSelector
 2 driver? *string
 3 pool? *string
 4 device? *string
DeviceToleration
 1 key? string
 2 operator? string
 3 value? string
 4 effect? string
 5 tolerationSeconds? *int64
ExactDeviceRequest
 1 deviceClassName string
 2 selectors? []DeviceSelector
 3 allocationMode? string
 4 count? int64
 5 adminAccess? *bool
 6 tolerations? []DeviceToleration
 7 capacity? *CapacityRequirements
 8 derivedAttributes? []DeviceDerivedAttribute
NetworkDeviceData
 1 interfaceName? string
 2 ips? []string
 3 hardwareAddress? string
NodeAllocatableMapping
 1 capacityKey? *string
 2 capacityMultiplier? *Quantity
 3 deviceMultiplier? *Quantity
NodeAllocatableOverhead
 1 perPod? *Quantity
 2 perContainer? *Quantity
NodeAllocatableResource
 3 mapping? *NodeAllocatableMapping
 4 overhead? *NodeAllocatableOverhead
NodeAllocatableResourceMapping
 1 capacityKey? *string
 2 allocationMultiplier? *Quantity
OpaqueDeviceConfiguration
 1 driver string
 2 parameters RawExtension
ResourceClaim kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
 3 status ResourceClaimStatus
ResourceClaimConsumerReference
 1 apiGroup? string
 3 resource string
 4 name string
 5 uid string
ResourceClaimSpec
 1 devices DeviceClaim
ResourceClaimStatus
 1 allocation? *AllocationResult
 2 reservedFor? []ResourceClaimConsumerReference
 4 devices? []AllocatedDeviceStatus
ResourceClaimTemplate kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimTemplateSpec
ResourceClaimTemplateSpec
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceClaimSpec
ResourcePool
 1 name string
 2 generation int64
 3 resourceSliceCount int64
ResourceSlice kind
 1 metadata meta/v1.ObjectMeta
 2 spec ResourceSliceSpec
ResourceSliceSpec
 1 driver string
 2 pool ResourcePool
 3 nodeName? *string
 4 nodeSelector? *core/v1.NodeSelector
 5 allNodes? *bool
 6 devices? []Device
 7 perDeviceNodeSelection? *bool
 8 sharedCounters? []CounterSet
 9 partitionTypeAttribute? *string
 10 skipNodeOperations? []string
`;
