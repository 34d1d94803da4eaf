/* Made by scripts/kubernetes-descriptions/make.ts of k8s.io/api v0.37.2 and its neighbours; the notation is docs/decisions/kubernetes-descriptions.md's. */
export const STORAGEMIGRATION = `
# storagemigration/v1 storagemigration.k8s.io/v1
StorageVersionMigration kind
 1 metadata meta/v1.ObjectMeta
 2 spec StorageVersionMigrationSpec
 3 status StorageVersionMigrationStatus
StorageVersionMigrationSpec
 1 resource meta/v1.GroupResource
StorageVersionMigrationStatus
 1 conditions? []meta/v1.Condition
 2 resourceVersion? string
# storagemigration/v1alpha1 storagemigration.k8s.io/v1alpha1
GroupVersionResource
 1 group? string
 2 version? string
 3 resource? string
MigrationCondition
 1 type string
 2 status string
 3 lastUpdateTime Time
 4 reason? string
 5 message? string
StorageVersionMigration kind
 1 metadata meta/v1.ObjectMeta
 2 spec StorageVersionMigrationSpec
 3 status StorageVersionMigrationStatus
StorageVersionMigrationSpec
 1 resource GroupVersionResource
 2 continueToken? string
StorageVersionMigrationStatus
 1 conditions? []MigrationCondition
 2 resourceVersion? string
# storagemigration/v1beta1 storagemigration.k8s.io/v1beta1
StorageVersionMigration kind
 1 metadata meta/v1.ObjectMeta
 2 spec StorageVersionMigrationSpec
 3 status StorageVersionMigrationStatus
StorageVersionMigrationSpec
 1 resource meta/v1.GroupResource
StorageVersionMigrationStatus
 1 conditions? []meta/v1.Condition
 2 resourceVersion? string
`;
