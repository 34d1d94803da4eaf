/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const STORAGE = `
# storage/v1 storage.k8s.io/v1
CSIDriver kind
 1 metadata meta/v1.ObjectMeta
 2 spec CSIDriverSpec
CSIDriverSpec
 1 attachRequired? *bool
 2 podInfoOnMount? *bool
 3 volumeLifecycleModes? []string
 4 storageCapacity? *bool
 5 fsGroupPolicy? *string
 6 tokenRequests? []TokenRequest
 7 requiresRepublish? *bool
 8 seLinuxMount? *bool
 9 nodeAllocatableUpdatePeriodSeconds? *int64
 10 serviceAccountTokenInSecrets? *bool
 11 preventPodSchedulingIfMissing? *bool
CSINode kind
 1 metadata meta/v1.ObjectMeta
 2 spec CSINodeSpec
 3 status CSINodeStatus
CSINodeDriver
 1 name string
 2 nodeID string
 3 topologyKeys []string
 4 allocatable? *VolumeNodeResources
CSINodeSpec
 1 drivers []CSINodeDriver
CSINodeStatus
 1 storageHealth? []StorageHealth
CSIStorageCapacity kind
 1 metadata meta/v1.ObjectMeta
 2 nodeTopology? *meta/v1.LabelSelector
 3 storageClassName string
 4 capacity? *Quantity
 5 maximumVolumeSize? *Quantity
StorageClass kind
 1 metadata meta/v1.ObjectMeta
 2 provisioner string
 3 parameters? map:string
 4 reclaimPolicy? *string
 5 mountOptions? []string
 6 allowVolumeExpansion? *bool
 7 volumeBindingMode? *string
 8 allowedTopologies? []core/v1.TopologySelectorTerm
StorageHealth
 1 name string
 2 healthConditions? []StorageHealthCondition
StorageHealthCondition
 1 status string
 2 reason string
 3 message? string
 4 accessMode? *string
 5 volumeMode? *string
 6 lastTransitionTime Time
TokenRequest
 1 audience string
 2 expirationSeconds? *int64
VolumeAttachment kind
 1 metadata meta/v1.ObjectMeta
 2 spec VolumeAttachmentSpec
 3 status VolumeAttachmentStatus
VolumeAttachmentSource
 1 persistentVolumeName? *string
 2 inlineVolumeSpec? *core/v1.PersistentVolumeSpec
VolumeAttachmentSpec
 1 attacher string
 2 source VolumeAttachmentSource
 3 nodeName string
VolumeAttachmentStatus
 1 attached bool
 2 attachmentMetadata? map:string
 3 attachError? *VolumeError
 4 detachError? *VolumeError
VolumeAttributesClass kind
 1 metadata meta/v1.ObjectMeta
 2 driverName string
 3 parameters? map:string
VolumeError
 1 time Time
 2 message? string
 3 errorCode? *int32
VolumeNodeResources
 1 count? *int32
# storage/v1alpha1 storage.k8s.io/v1alpha1
CSIStorageCapacity kind
 1 metadata meta/v1.ObjectMeta
 2 nodeTopology? *meta/v1.LabelSelector
 3 storageClassName string
 4 capacity? *Quantity
 5 maximumVolumeSize? *Quantity
VolumeAttachment kind
 1 metadata meta/v1.ObjectMeta
 2 spec VolumeAttachmentSpec
 3 status VolumeAttachmentStatus
VolumeAttachmentSource
 1 persistentVolumeName? *string
 2 inlineVolumeSpec? *core/v1.PersistentVolumeSpec
VolumeAttachmentSpec
 1 attacher string
 2 source VolumeAttachmentSource
 3 nodeName string
VolumeAttachmentStatus
 1 attached bool
 2 attachmentMetadata? map:string
 3 attachError? *VolumeError
 4 detachError? *VolumeError
VolumeAttributesClass kind
 1 metadata meta/v1.ObjectMeta
 2 driverName string
 3 parameters? map:string
VolumeError
 1 time Time
 2 message? string
 3 errorCode? *int32
# storage/v1beta1 storage.k8s.io/v1beta1
CSIDriver kind
 1 metadata meta/v1.ObjectMeta
 2 spec CSIDriverSpec
CSIDriverSpec
 1 attachRequired? *bool
 2 podInfoOnMount? *bool
 3 volumeLifecycleModes? []string
 4 storageCapacity? *bool
 5 fsGroupPolicy? *string
 6 tokenRequests? []TokenRequest
 7 requiresRepublish? *bool
 8 seLinuxMount? *bool
 9 nodeAllocatableUpdatePeriodSeconds? *int64
 10 serviceAccountTokenInSecrets? *bool
 11 preventPodSchedulingIfMissing? *bool
CSINode kind
 1 metadata meta/v1.ObjectMeta
 2 spec CSINodeSpec
 3 status CSINodeStatus
CSINodeDriver
 1 name string
 2 nodeID string
 3 topologyKeys []string
 4 allocatable? *VolumeNodeResources
CSINodeSpec
 1 drivers []CSINodeDriver
CSINodeStatus
 1 storageHealth? []StorageHealth
CSIStorageCapacity kind
 1 metadata meta/v1.ObjectMeta
 2 nodeTopology? *meta/v1.LabelSelector
 3 storageClassName string
 4 capacity? *Quantity
 5 maximumVolumeSize? *Quantity
StorageClass kind
 1 metadata meta/v1.ObjectMeta
 2 provisioner string
 3 parameters? map:string
 4 reclaimPolicy? *string
 5 mountOptions? []string
 6 allowVolumeExpansion? *bool
 7 volumeBindingMode? *string
 8 allowedTopologies? []core/v1.TopologySelectorTerm
StorageHealth
 1 name string
 2 healthConditions? []StorageHealthCondition
StorageHealthCondition
 1 status string
 2 reason string
 3 message? string
 4 accessMode? *string
 5 volumeMode? *string
 6 lastTransitionTime Time
TokenRequest
 1 audience string
 2 expirationSeconds? *int64
VolumeAttachment kind
 1 metadata meta/v1.ObjectMeta
 2 spec VolumeAttachmentSpec
 3 status VolumeAttachmentStatus
VolumeAttachmentSource
 1 persistentVolumeName? *string
 2 inlineVolumeSpec? *core/v1.PersistentVolumeSpec
VolumeAttachmentSpec
 1 attacher string
 2 source VolumeAttachmentSource
 3 nodeName string
VolumeAttachmentStatus
 1 attached bool
 2 attachmentMetadata? map:string
 3 attachError? *VolumeError
 4 detachError? *VolumeError
VolumeAttributesClass kind
 1 metadata meta/v1.ObjectMeta
 2 driverName string
 3 parameters? map:string
VolumeError
 1 time Time
 2 message? string
 3 errorCode? *int32
VolumeNodeResources
 1 count? *int32
`;
